/** The names that ever asked with a key, or had a certificate for it: the newest of them. Who has it still, its own row says. */
import { ClientEvent } from '../domain/client/events.ts';
import type { Projection } from './projection.ts';

export interface KeyRow {
  readonly fingerprint: string;
  /** The newest last. */
  readonly names: readonly string[];
}

/** One more than are shown, so that a name does not crowd itself out. */
const namesMax = 33;

const keyOf = ({ data }: ClientEvent): string | undefined =>
  'csr' in data ? data.csr?.fingerprint : undefined;

export const keys: Projection<KeyRow, ClientEvent> = {
  name: 'keys',
  version: 1,
  reads: ['client'],
  Event: ClientEvent,
  key: keyOf,
  evolve(row, event) {
    const { username } = event.data;
    const { names = [], fingerprint = keyOf(event) ?? '' } = row ?? {};
    if (names.at(-1) === username) return row;
    return {
      fingerprint,
      names: [...names.filter((name) => name !== username), username].slice(-namesMax),
    };
  },
  columns: {},
};
