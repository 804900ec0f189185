type Close = () => unknown;

/**
 * Opens what has several parts, each with its end said `later`. The last is closed first, and all of them are, whatever fails:
 * here too, if the rest cannot be opened.
 */
export const opened = async <Parts extends object>(
  open: (later: (close: Close) => void) => Promise<Parts>,
): Promise<Parts & { readonly close: () => Promise<void> }> => {
  const closers: Close[] = [];
  const closeAll = async (errors: unknown[]): Promise<void> => {
    for (const close of closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors);
  };
  try {
    return { ...(await open((close) => closers.push(close))), close: () => closeAll([]) };
  } catch (error) {
    await closeAll([error]);
    throw error;
  }
};
