/** A clock that the test turns, and what was drawn. */
export const sink = () => {
  const state = { text: '', milliseconds: 0 };
  return {
    state,
    draw: (text: string) => {
      state.text += text;
    },
    now: () => state.milliseconds,
  };
};
