/** What a change to a client waits for before it is answered. */

import { createClients } from '../../../src/commands/client-commands.ts';
import { newCause } from '../../../src/commands/handle.ts';
import { createVault } from '../../../src/credentials/vault.ts';
import { beginning, type EventStore } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('changes to clients');

const create = {
  httpLimit: null,
  type: 'CreateClient' as const,
  username: the.username,
  credentialId: the.id(1),
  rights: the.rights,
  reason: null,
  at: the.at,
  by: the.ada,
};

function world() {
  const store = memoryStore();
  const asked: string[] = [];
  const waited: string[] = [];
  const changing: boolean[] = [];
  const counting: EventStore = {
    ...store,
    head: () => {
      asked.push('head');
      return store.head();
    },
  };
  const clients = createClients({
    store: counting,
    vault: createVault(store),
    forget: () => undefined,
    async settled(position, changesAccess) {
      waited.push(position);
      changing.push(changesAccess);
    },
  });
  return { store, clients, asked, waited, changing };
}

test('what is recorded is waited for, and so is what it was so already by', async () => {
  const { store, clients, asked, waited } = world();
  const { position } = await clients.change(the.username, create, newCause());
  await clients.change('somebody-else', { ...create, username: 'somebody-else' }, newCause());
  waited.length = 0;

  const again = await clients.change(the.username, create, newCause());
  assert.is(again.position, null, 'it was so already');
  assert.equal(waited, [position], 'its own newest event, not everybody’s');
  assert.equal(asked, [], 'the log is not asked for its head');
  assert.is((await store.readAll(beginning, 10)).length, 2);
});

test('who begins to wait changes nobody’s access, who is let in does', async () => {
  const { clients, changing } = world();
  await clients.change(the.username, the.knock({ ...the.first }), newCause());
  assert.equal(changing, [false]);
  await clients.change(the.username, the.grant(), newCause());
  await clients.change(the.username, the.revoke, newCause());
  assert.equal(changing, [false, true, true]);
});

test('what is refused waits for nothing', async () => {
  const { clients, waited } = world();
  const { decision } = await clients.change(
    the.username,
    {
      type: 'SuspendAccess',
      username: the.username,
      reason: null,
      windowId: null,
      at: the.at,
      by: the.ada,
    },
    newCause(),
  );
  assert.is(decision.accepted, false);
  assert.equal(waited, []);
});

test.run();
