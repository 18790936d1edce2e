import { setImmediate as nextTurn } from 'node:timers/promises';
import { beginning, noStream, StoreUnavailable } from '../../../src/store/event-store.ts';
import { type ContractTest, type Made, newEvent, rejects, streamOf } from '../stored-events.ts';
import { assert, suite } from '../suite.ts';
import { follows, followsAnything } from './contract-follows.ts';
import { order, repeats, streams } from './contract-streams.ts';
import { vault, vaultOrder } from './contract-vault.ts';

export function eventStoreContract(name: string, make: () => Promise<Made>): void {
  const test = suite<{ made: Made }>(`event store contract: ${name}`);
  test.before.each(async (world) => {
    world.made = await make();
  });
  test.after.each(async ({ made }) => {
    await made.dispose();
  });
  streams(test);
  repeats(test);
  order(test);
  follows(test);
  followsAnything(test, make);
  vault(test);
  vaultOrder(test);
  ends(test);
  test.run();
}

function ends(test: ContractTest): void {
  test('close finishes what was begun and ends every follow', async ({ made }) => {
    const stream = streamOf('client');
    const { signal } = new AbortController();
    const follow = made.store.follow(beginning, signal)[Symbol.asyncIterator]().next();
    const vaultFollow = made.store.followVault(beginning, signal)[Symbol.asyncIterator]().next();
    await nextTurn();
    const begun = made.store.append(stream, noStream, [newEvent()]);
    const store = await made.reopen();
    assert.is((await begun).revision, 0);
    assert.is((await store.read(stream)).length, 1);
    // Perhaps it still saw the event: then the next one ends it.
    await follow;
    assert.is((await vaultFollow).done, true);
  });

  test('a closed store answers that it is unavailable', async ({ made: { store } }) => {
    await store.close();
    await store.close();
    const { signal } = new AbortController();
    await rejects(store.append('client-a', noStream, [newEvent()]), StoreUnavailable);
    await rejects(store.read('client-a'), StoreUnavailable);
    await rejects(store.readAll(beginning, 1), StoreUnavailable);
    await rejects(store.readVault(beginning, 1), StoreUnavailable);
    await rejects(store.head(), StoreUnavailable);
    await rejects(store.deleteStream('vault-a'), StoreUnavailable);
    const begin = async (start: () => AsyncIterable<unknown>) => {
      for await (const _ of start()) assert.unreachable('a closed log has nothing to tell');
    };
    await rejects(
      begin(() => store.follow(beginning, signal)),
      StoreUnavailable,
    );
    await rejects(
      begin(() => store.followVault(beginning, signal)),
      StoreUnavailable,
    );
  });
}
