/** Which other names ask with a key now, or have it: one key in two hands, or one hand with two names. */
import type { Client } from '../../domain/client/state.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { KeyRow } from '../../projections/keys.ts';
import { namesOfKeyMax } from '../limits/doors.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface SharedKeyOptions {
  readonly rows: { readonly access: Rows<AccessRow>; readonly keys: Rows<KeyRow> };
}

export type SharedKeys = ReturnType<typeof createSharedKeys>;

function fingerprintsIn(state: Client): (string | undefined)[] {
  switch (state.status) {
    case 'pending':
      return [state.waiting.key?.fingerprint];
    case 'active':
      return [
        ...[state.key?.fingerprint, state.next?.key.fingerprint],
        state.challenger?.key?.fingerprint,
      ];
    case 'suspended':
      return [state.key?.fingerprint, state.next?.key.fingerprint];
    case 'unknown':
    case 'denied':
    case 'revoked':
    case 'expired':
      return [];
  }
}

export function createSharedKeys({ rows }: SharedKeyOptions) {
  /** As a field of a key that is shown; absent: it is nobody else's. */
  return (username: string, fingerprint: string): { otherNames?: string[] } => {
    const otherNames = (rows.keys.get(fingerprint)?.names ?? []).filter((name) => {
      const state = name === username ? undefined : rows.access.get(name);
      return state !== undefined && fingerprintsIn(state).includes(fingerprint);
    });
    return otherNames.length === 0 ? {} : { otherNames: otherNames.slice(-namesOfKeyMax).sort() };
  };
}
