/** Whether a receiver was told of everything, once, in order, and nobody else of anything. */

export interface ToldReceiver {
  /** What happened, in its order. */
  readonly happened: readonly string[];
  /** What the receiver took, in the order in which it took it. */
  readonly told: readonly string[];
  /** How often it took each message, by its id. */
  readonly timesById: ReadonlyMap<string, number>;
  /** Messages that somebody else was sent. */
  readonly elsewhere: number;
  /** Messages that were given up. */
  readonly putAside: number;
}

export function receiverFaults(seen: ToldReceiver): string[] {
  const { happened, told, timesById, elsewhere, putAside } = seen;
  const violations: string[] = [];
  const lost = happened.filter((one) => !told.includes(one));
  if (lost.length > 0) violations.push(`never told: ${lost}`);
  const invented = told.filter((one) => !happened.includes(one));
  if (invented.length > 0) violations.push(`told, and never happened: ${invented}`);
  const twice = [...timesById].filter(([, times]) => times > 1).map(([id]) => id);
  if (twice.length > 0) violations.push(`taken, and told again: ${twice}`);
  // Under another id, too.
  const again = told.filter((one, at) => told.indexOf(one) < at);
  if (again.length > 0) violations.push(`told twice: ${again}`);
  const inOrder = happened.filter((one) => told.includes(one));
  const first = [...new Set(told)].filter((one) => happened.includes(one));
  const at = first.findIndex((one, index) => one !== inOrder[index]);
  if (at >= 0) violations.push(`told out of order: ${first[at]} before ${inOrder[at]}`);
  if (elsewhere > 0) violations.push(`${elsewhere} messages went where it was led`);
  if (putAside > 0) violations.push(`${putAside} messages were put aside`);
  return violations;
}
