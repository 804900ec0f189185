/** Line wrapping off and on (DECAWM): a line too long is cut by the terminal, so one line is one row, whatever it holds. */
const wrapOff = '\u001b[?7l';
const wrapOn = '\u001b[?7h';

/** Back over `rows` drawn rows, and all below erased (ECMA-48 CUU and ED). */
const erase = (rows: number): string => (rows === 0 ? '' : `\r\u001b[${rows}A\u001b[J`);

/** Lines at the end of the terminal that replace each other. */
export interface Redrawn {
  /** Instead of what was shown before; `above` stays over them for good. */
  readonly show: (lines: readonly string[], above?: string) => void;
  readonly clear: () => void;
}

/** @param height rows of the terminal: the cursor reaches no line that has left it, so more are not drawn. */
export const redrawn = (draw: (text: string) => void, height: () => number = () => Infinity): Redrawn => {
  let rows = 0;
  const show = (lines: readonly string[], above = ''): void => {
    const room = height() - 1;
    const fitting = lines.length <= room ? lines : [...lines.slice(0, Math.max(0, room - 1)), '…'];
    draw(erase(rows) + above + wrapOff + fitting.map((line) => `${line}\n`).join('') + wrapOn);
    rows = fitting.length;
  };
  return {
    show,
    clear: () => {
      draw(erase(rows));
      rows = 0;
    },
  };
};
