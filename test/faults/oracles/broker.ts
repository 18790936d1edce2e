/** Whether a broker lets in whom the log says, and has nobody else. */

/** Not heard: the broker is away (-1), or says itself that it cannot tell (3). */
const unknownCodes = [-1, 3];

/** @param code of CONNACK @returns null: it says neither */
export const isAsTheLogSays = (
  status: 'active' | 'revoked' | 'unknown',
  code: number,
): boolean | null => (unknownCodes.includes(code) ? null : (code === 0) === (status === 'active'));

/** @param answer of `POST /api/brokers/NAME/reconcile` */
export const driftFaults = (answer: { readonly drift?: readonly unknown[] }): string[] =>
  answer.drift?.length === 0
    ? []
    : [`it differs from the log: ${JSON.stringify(answer).slice(0, 300)}`];
