/** Which other names a request's key has: as it was told with the request, and of who asked since. */
import type { Request } from '../../api/output.ts';
import { state } from '../app/store.ts';

/** Undefined: none is known. */
export function otherNamesOf({ csr, username }: Request): readonly string[] | undefined {
  if (csr === null) return undefined;
  const asking = state.requests.filter(
    (one) => one.status === 'pending' && one.csr?.fingerprint === csr.fingerprint,
  );
  const names = new Set([...(csr.otherNames ?? []), ...asking.map((one) => one.username)]);
  names.delete(username);
  return names.size === 0 ? undefined : [...names].sort();
}
