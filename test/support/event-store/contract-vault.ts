import { setImmediate as nextTurn } from 'node:timers/promises';
import { beginning, Conflict, noStream, type VaultChange } from '../../../src/store/event-store.ts';
import {
  assertInOrder,
  type ContractTest,
  newEvent,
  newEvents,
  rejects,
  streamOf,
  take,
  wholeLog,
} from '../stored-events.ts';
import { assert } from '../suite.ts';

export function vault(test: ContractTest): void {
  test('the vault stands apart from the log', async ({ made: { store } }) => {
    const secret = streamOf('vault');
    const seen = take(2, (signal) => store.follow(beginning, signal));
    await store.append(streamOf('client'), noStream, newEvents(1));
    const head = await store.head();
    const kept = newEvent({ verifier: 'of-a-password' });
    assert.is((await store.append(secret, noStream, [kept])).revision, 0);

    assert.is(await store.head(), head);
    await store.append(streamOf('client'), noStream, newEvents(1));
    const log = await wholeLog(store);
    assert.is(log.length, 2);
    assert.equal(await seen, log);
    const [read] = await store.read(secret);
    assert.equal(read?.data, kept.data);
    assert.equal(read?.metadata, kept.metadata);
    assert.is(read?.stream, secret);
  });

  test('secrets are there with the event that names them, once however often it is appended', async ({
    made: { store },
  }) => {
    const [client, secret] = [streamOf('client'), streamOf('vault')];
    const [event, kept] = [newEvent({ names: secret }), newEvent({ verifier: 'of-a-password' })];
    const secrets = [{ stream: secret, event: kept }];
    const { revision, position } = await store.append(client, noStream, [event], secrets);
    assert.is(revision, 0);
    assert.is(await store.head(), position);
    assert.equal((await store.read(secret))[0]?.data, kept.data);
    assert.equal(await store.append(client, noStream, [event], secrets), { revision, position });
    assert.is((await store.read(secret)).length, 1);
    assert.is((await wholeLog(store)).length, 1);
  });

  test('vault streams keep the rules of all streams', async ({ made: { store } }) => {
    const secret = streamOf('vault');
    const events = newEvents(2);
    const first = await store.append(secret, noStream, events);
    assert.equal(await store.append(secret, noStream, events), first);
    await rejects(store.append(secret, noStream, [newEvent()]), Conflict);
    assert.is((await store.append(secret, 1, [newEvent()])).revision, 2);
    assert.is((await store.read(secret)).length, 3);
  });

  test('a deleted stream is empty, and stays deleted', async ({ made }) => {
    const [gone, stays] = [streamOf('vault'), streamOf('vault')];
    const events = newEvents(2);
    await made.store.append(gone, noStream, events);
    await made.store.append(stays, noStream, newEvents(1));
    await made.store.deleteStream(gone);
    assert.equal(await made.store.read(gone), []);
    await made.store.deleteStream(gone);

    const store = await made.reopen();
    assert.equal(await store.read(gone), []);
    assert.is((await store.read(stays)).length, 1);
    await rejects(store.append(gone, noStream, [newEvent()]), Conflict);
    await rejects(store.append(gone, noStream, events), Conflict);
    assert.equal(await store.read(gone), []);
  });

  test('deleting what is not there is a success', async ({ made: { store } }) => {
    await store.deleteStream(streamOf('vault'));
  });

  test('only the vault can be deleted from', async ({ made: { store } }) => {
    const stream = streamOf('client');
    await store.append(stream, noStream, newEvents(1));
    await rejects(store.deleteStream(stream), Error);
    assert.is((await store.read(stream)).length, 1);
  });
}

const outline = (changes: readonly VaultChange[]) =>
  changes.map((change) => [
    change.kind,
    change.stream,
    change.kind === 'kept' ? change.event.data : undefined,
  ]);

export function vaultOrder(test: ContractTest): void {
  test('followVault tells what is kept and what is deleted', async ({ made: { store } }) => {
    const [one, two] = [streamOf('vault'), streamOf('vault')];
    const live = take(3, (signal) => store.followVault(beginning, signal));
    await nextTurn();
    await store.append(one, noStream, [newEvent({ secret: 1 })]);
    await store.append(two, noStream, [newEvent({ secret: 2 })]);
    // Let the follower see both before one goes.
    await take(2, (signal) => store.followVault(beginning, signal));
    await nextTurn();
    await store.deleteStream(one);
    const changes = await live;
    assertInOrder(changes);
    assert.equal(outline(changes), [
      ['kept', one, { secret: 1 }],
      ['kept', two, { secret: 2 }],
      ['deleted', one, undefined],
    ]);
    const kept = changes[0];
    if (kept?.kind === 'kept') assert.is(kept.event.revision, 0);
  });

  test('what was deleted never appears again, its deletion does', async ({ made }) => {
    const [one, two, three] = [streamOf('vault'), streamOf('vault'), streamOf('vault')];
    for (const stream of [one, two, three])
      await made.store.append(stream, noStream, [newEvent({ stream })]);
    const all = await take(3, (signal) => made.store.followVault(beginning, signal));
    await made.store.deleteStream(two);
    await made.store.deleteStream(one);

    const store = await made.reopen();
    const expected = [
      ['kept', three, { stream: three }],
      ['deleted', two, undefined],
      ['deleted', one, undefined],
    ];
    const again = await take(3, (signal) => store.followVault(beginning, signal));
    assert.equal(outline(again), expected);
    const resumed = await take(2, (signal) => store.followVault(all[2]?.position ?? '', signal));
    assert.equal(outline(resumed), expected.slice(1));
  });

  test('readVault pages through the vault’s order', async ({ made: { store } }) => {
    const names = Array.from({ length: 5 }, () => streamOf('vault'));
    for (const stream of names) await store.append(stream, noStream, [newEvent({ stream })]);
    await store.deleteStream(names[1] as string);
    const all = await take(5, (signal) => store.followVault(beginning, signal));
    for (const limit of [1, 2, 5, 6]) {
      const paged: VaultChange[] = [];
      for (let after = beginning; ; ) {
        const page = await store.readVault(after, limit);
        assert.ok(page.length <= limit);
        paged.push(...page);
        const last = page.at(-1);
        if (!last) break;
        after = last.position;
      }
      assert.equal(paged, all);
    }
  });

  test('abort ends followVault', async ({ made: { store } }) => {
    const stop = new AbortController();
    const next = store.followVault(beginning, stop.signal)[Symbol.asyncIterator]().next();
    await nextTurn();
    stop.abort();
    assert.is((await next).done, true);
  });
}
