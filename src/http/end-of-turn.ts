/** The end of the event loop's turn: what many wait for in one turn is then done for all of them, one after the other. */

let end: Promise<void> | undefined;

/** Resolves once everything has been looked at that had come in when this turn of the event loop began. */
export const endOfTurn = (): Promise<void> => {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  });
  return end;
};
