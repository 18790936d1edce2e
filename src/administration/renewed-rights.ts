/** What a client holds with another end: a renewal changes nothing else. */

import type { Rights } from '../../domain/client/client.ts';
import type { Client } from '../../domain/client/state.ts';
import { noRights } from '../../domain/rights.ts';
import { addMs } from '../platform/instant.ts';

/** @param expiresAt null: without an end; undefined: as long again as it was given for, where it has an end */
export function renewedRights(state: Client, expiresAt: string | null | undefined): Rights {
  if (state.status !== 'active' && state.status !== 'suspended') return noRights;
  const { rights, endSetAt } = state;
  if (expiresAt !== undefined) return { ...rights, expiresAt };
  if (rights.expiresAt === null) return rights;
  const givenForMs = Date.parse(rights.expiresAt) - Date.parse(endSetAt);
  return { ...rights, expiresAt: addMs(rights.expiresAt, Math.max(0, givenForMs)) };
}
