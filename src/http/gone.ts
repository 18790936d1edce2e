/** That a client has left before it was answered. */
import type { ServerResponse } from 'node:http';

/** A signal that is aborted then; made where somebody asks for it. */
export const goneWith = (response: ServerResponse) => (): AbortSignal => {
  const gone = new AbortController();
  if (response.closed) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
};
