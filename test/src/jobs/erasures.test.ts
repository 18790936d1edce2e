/** What of a disk counts as left of an erased name, and when a disk is not judged. */

import type { HistoryRow } from '../../../projections/history.ts';
import { createErasures } from '../../../src/jobs/erasures.ts';
import { createLogger } from '../../../src/logger.ts';
import type { Rows } from '../../../src/read-models/row-table.ts';
import { positionOf, type StoredEvent, StoreUnavailable } from '../../../src/store/event-store.ts';
import { newEvent } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('erasures that are looked for');

const erasure = { username: 'ada', position: positionOf(50), at: '2026-11-28T10:00:00.000Z' };
const earlier = '2026-11-28T09:59:59.000Z';
const later = '2026-11-28T10:00:01.000Z';

const secret = (place: number, at: string, username = 'ada'): StoredEvent => ({
  ...newEvent(),
  type: 'SecretKept',
  data: { at, kind: 'verifier', username, verifier: '$x' },
  stream: `vault-${crypto.randomUUID()}`,
  revision: 0,
  position: positionOf(place),
});

const damaged = (place: number, at: string): StoredEvent => ({
  ...secret(place, at),
  data: { at, kind: 'verifier', username: 'ada' },
});

interface Given {
  readonly vault?: readonly StoredEvent[];
  /** Whether the stream of the secret is still there for readers. */
  readonly isLive?: boolean;
  readonly lags?: boolean;
  readonly isDown?: boolean;
}

/** What is found by one look at a store with one disk. */
async function found({ vault = [], isLive = false, lags = false, isDown = false }: Given) {
  const history = { find: () => ({ items: [erasure], nextCursor: null }) };
  const erasures = createErasures({
    history: history as unknown as Rows<HistoryRow>,
    logger: createLogger({ level: 'error', write: () => undefined }),
    store: {
      read: async () => (isLive ? vault : []),
      disks: async () => [
        {
          name: 'one:2113',
          has: async () => {
            if (isDown) throw new StoreUnavailable('down');
            return !lags;
          },
          vaultLeft: async (after) => vault.filter(({ position }) => position > after),
        },
      ],
    },
  });
  await erasures.look();
  return erasures.stateOf(erasure).status;
}

for (const [name, given, expected] of [
  ['nothing is left', {}, 'done'],
  ['what was kept before it is left', { vault: [secret(20, earlier)] }, 'pending'],
  ['it was not destroyed yet', { vault: [secret(20, earlier)], isLive: true }, 'pending'],
  ['what is left cannot be opened', { vault: [damaged(20, earlier)] }, 'pending'],
  ['only what another name kept', { vault: [secret(20, earlier, 'bob')] }, 'done'],
  ['who came back under the name', { vault: [secret(60, later)], isLive: true }, 'done'],
  ['a clock that was ahead', { vault: [secret(20, later)] }, 'pending'],
  ['a copied log has the new secret first', { vault: [secret(20, later)], isLive: true }, 'done'],
  ['the disk lags behind the erasure', { lags: true }, 'pending'],
  ['the disk does not answer', { isDown: true }, 'pending'],
] as const)
  test(`${name}: ${expected}`, async () => {
    assert.is(await found(given), expected);
  });

test.run();
