/** The end of the event loop's turn: what became due in one turn is then done for all of them, one after the other. */

let due: (() => void)[] = [];

function doDue(): void {
  try {
    // Also what these make due: all requests of a turn are looked at, then all answers that were known at once are written.
    for (const act of due) act();
  } finally {
    due = [];
  }
}

/** Acts once everything has been looked at that had come in when this turn of the event loop began; `act` never throws. */
export function atEndOfTurn(act: () => void): void {
  if (due.length === 0) setImmediate(doDue);
  due.push(act);
}
