/** What is read at the start of clients that moved in. */
import type { AccessRow } from '../../../projections/access.ts';
import { UnreadableSecret } from '../../../src/credentials/vault.ts';
import { createLogger } from '../../../src/logger.ts';
import type { Rows } from '../../../src/read-models/row-table.ts';
import { watchMovedIn } from '../../../src/registration/moved-in.ts';
import { StoreUnavailable } from '../../../src/store/event-store.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('clients that moved in');

const rows = ['press-1', 'press-2', 'press-3'].map((username) => ({
  ...{ username, status: 'active', credentialId: 'c', foreignVerifierId: 'f' },
}));

function started(fault: Error) {
  const learned: string[] = [];
  const lines: string[] = [];
  const { begin } = watchMovedIn({
    access: { between: () => ({ items: rows, next: null }) } as unknown as Rows<AccessRow>,
    foreign: {
      async learn(username) {
        if (username === 'press-2') throw fault;
        learned.push(username);
      },
      forget: () => undefined,
    },
    onApplied: () => undefined,
    logger: createLogger({ level: 'info', write: (line) => lines.push(line) }),
  });
  return { begun: begin(), learned, lines };
}

test('one whose verifier is damaged keeps no other out', async () => {
  const { begun, learned, lines } = started(new UnreadableSecret('damaged'));
  await begun;
  assert.equal(learned, ['press-1', 'press-3']);
  assert.is(lines.length, 1);
});

test('what passes by itself keeps the doors closed', async () => {
  const fault = new StoreUnavailable('down');
  await started(fault).begun.then(
    () => assert.unreachable(),
    (error) => assert.is(error, fault),
  );
});

test.run();
