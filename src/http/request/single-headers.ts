/** Refuses a request that sends a header twice where only one counts: two readers of it could take another each. */
import type { Guard } from '../edge.ts';
import { malformed } from '../response/problem.ts';

/** `Host` is one (RFC 9112, section 3.2), and so are credentials (RFC 9110, section 11.6.2). */
const single = ['Host', 'Authorization'];

/** @throws Problem 400 */
export const singleHeadersOnly: Guard = ({ headersDistinct: sent }) => {
  const twice = single.filter((name) => (sent[name.toLowerCase()]?.length ?? 0) > 1);
  if (twice.length > 0)
    throw malformed(twice.map((name) => ({ parameter: name, detail: `Send ${name} once.` })));
};
