/** Which trace a request belongs to, as who sent it says (W3C Trace Context, level 1, section 3.2): for log lines alone. */
import type { IncomingMessage } from 'node:http';

/** Version, trace, parent, flags; later versions may have more behind them, behind a dash. */
const pattern = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/;

/** Undefined: none, or what is no `traceparent`, which is ignored. */
export function traceIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  // Two of them come as one, between a comma, which fits nothing.
  const sent = headers.traceparent as string | undefined;
  if (sent === undefined || sent.length > sentLengthMax) return undefined;
  const [, version, traceId, more] = pattern.exec(sent) ?? [];
  return version === '00' && more !== undefined ? undefined : traceId;
}

const sentLengthMax = 512;
