/** When an answer asks to be asked again. */

const httpDate = /^[A-Z][a-z]{2,8},? [\w: -]+$/;
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** An HTTP date in each of its three forms [RFC 9110, 5.6.7]; NaN: it is none. */
function dateMs(text: string): number {
  if (!httpDate.test(text)) return Number.NaN;
  return Date.parse(asctime.test(text) ? `${text} GMT` : text);
}

/**
 * Seconds or a date [RFC 9110, 10.2.3]. A date is the server's: what it is late or early by its own `Date` counts, so
 * that a device whose clock is wrong waits as long as it should.
 * @param date the answer's `Date`; undefined: it has none
 * @returns null where nothing is said that can be read
 */
export function retryAfterMs(
  text: string | undefined,
  date: string | undefined,
  nowMs: number,
): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const serverMs = dateMs(date ?? '');
  const afterMs = dateMs(text) - (Number.isNaN(serverMs) ? nowMs : serverMs);
  return Number.isNaN(afterMs) ? null : Math.max(0, afterMs);
}
