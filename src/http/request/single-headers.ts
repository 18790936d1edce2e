/** Refuses a request that sends a header twice where only one counts: two readers of it could take another each. */
import type { Guard } from '../edge.ts';
import { malformed } from '../response/problem.ts';

/** `Host` is one (RFC 9112, section 3.2), and so are credentials (RFC 9110, section 11.6.2). */
const single = ['Host', 'Authorization'].map((name) => ({ name, lowerCase: name.toLowerCase() }));

/** `rawHeaders`: names and values in turn. */
function countOf(rawHeaders: readonly string[], lowerCase: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === lowerCase.length && name.toLowerCase() === lowerCase) count++;
  }
  return count;
}

/** @throws Problem 400 */
export const singleHeadersOnly: Guard = ({ rawHeaders }) => {
  const twice = single.filter(({ lowerCase }) => countOf(rawHeaders, lowerCase) > 1);
  if (twice.length > 0)
    throw malformed(twice.map(({ name }) => ({ parameter: name, detail: `Send ${name} once.` })));
};
