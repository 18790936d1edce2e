/** The end of the event loop's turn: what became due in one turn is then done for all of them, one after the other. */

let due: (() => void)[] = [];

function doDue(): void {
  const acts = due;
  due = [];
  for (const act of acts) act();
}

/** Acts once everything has been looked at that had come in when this turn of the event loop began; `act` never throws. */
export function atEndOfTurn(act: () => void): void {
  if (due.length === 0) setImmediate(doDue);
  due.push(act);
}
