/** What is changed or ended at the embedded broker holds for every session of a user, live and stored. */

import {
  messagesUntil,
  publish,
  subscribed,
  until,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert } from '../../../support/suite.ts';
import { accounts, stored, will } from './press.ts';
import { type Account, embeddedSuite, embeddedWorld, rightsOf } from './world.ts';

const test = embeddedSuite('embedded broker: sessions', accounts);

for (const version of versions) {
  test(`version ${version}: endSessions closes what is live and drops what is stored, without a will`, async ({
    world,
  }) => {
    const boss = await world.connect('boss');
    await subscribed(boss, ['#']);
    await stored(world, 'absent', { version });
    boss.send(publish('plant/a', 'queued', { qos: 1 }));
    await boss.take('puback');
    const live = await world.connect('press', { version, clientId: 'live', will });
    await subscribed(live, ['plant/#']);
    assert.is(await world.broker.endSessions('press', { reason: 'access revoked' }), 1);
    if (version === 5) {
      const goodbye = await live.take('disconnect');
      assert.is(goodbye.reasonCode, 0x98);
      assert.is(goodbye.properties?.reasonString, 'access revoked');
    }
    await live.closed;
    assert.is(world.broker.sessionCount('press'), 0);
    assert.equal(await world.broker.endSessions('press'), 0);
    // Both client ids are free, and nothing is left for whoever takes them.
    for (const clientId of ['absent', 'live']) {
      const next = await world.connect('boss', { version, clientId, clean: false });
      assert.is(next.code, 0);
      assert.not.ok(next.connack.sessionPresent);
      boss.send(publish('marker', 'x'));
      await subscribed(next, ['marker']);
      boss.send(publish('marker', 'last'));
      assert.not.ok((await messagesUntil(next, 'last')).includes('plant/a queued'));
    }
    boss.send(publish('marker', 'end'));
    assert.not.ok((await messagesUntil(boss, 'end')).includes('plant/will gone'));
  });
}

test('what was delivered before endSessions is sent before the goodbye', async ({ world }) => {
  const live = await world.connect('press', { version: 5 });
  await subscribed(live, ['plant/#']);
  await world.broker.publish('plant/a', 'in time');
  await world.broker.endSessions('press');
  await live.closed;
  assert.equal(
    live.received.map(({ cmd }) => cmd),
    ['publish', 'disconnect'],
  );
});

test('between endSessions and the end nothing is delivered', async ({ world }) => {
  const live = await world.connect('press', { version: 5 });
  await subscribed(live, ['plant/#']);
  const ending = world.broker.endSessions('press');
  await world.broker.publish('plant/a', 'too late');
  assert.is(await ending, 1);
  await live.closed;
  assert.equal(
    live.received.map(({ cmd }) => cmd),
    ['disconnect'],
  );
});

test('endSessions drops wills that were put off', async ({ world }) => {
  const boss = await world.connect('boss');
  await subscribed(boss, ['#']);
  for (const clientId of ['a', 'b']) {
    const client = await world.connect('press', {
      version: 5,
      clientId,
      will: { ...will, properties: { willDelayInterval: 1 } },
      properties: { sessionExpiryInterval: 60 },
    });
    client.end();
  }
  await until(() => world.broker.sessionCount('press') === 0);
  await world.broker.endSessions('press');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  boss.send(publish('marker', 'last'));
  assert.equal(await messagesUntil(boss, 'last'), ['marker last']);
});

test('endSessions leaves other users alone', async ({ world }) => {
  await stored(world, 'absent');
  const boss = await world.connect('boss');
  assert.is(await world.broker.endSessions('nobody'), 0);
  assert.is(await world.broker.endSessions('boss'), 1);
  await boss.closed;
  const back = await world.connect('press', { clientId: 'absent', clean: false });
  assert.ok(back.connack.sessionPresent);
});

test('endSessions spares one credential, or ends one token only', async ({ world }) => {
  const opened = async (clientId: string, by: Partial<Account>) => {
    world.accounts.press = { ...(accounts().press as Account), ...by };
    return world.connect('press', { clientId, clean: clientId.endsWith('live') });
  };
  const first = await opened('first-live', { credentialId: 'first' });
  const second = await opened('second-live', { credentialId: 'second' });
  const token = await opened('token-live', { tokenId: 'token-1' });
  const other = await opened('other-live', { tokenId: 'token-2' });
  (await opened('token-stored', { tokenId: 'token-1' })).end();
  await until(() => world.broker.sessionCount('press') === 4);

  assert.is(await world.broker.endSessions('press', { tokenIds: new Set(['token-1']) }), 1);
  await token.closed;
  assert.is((await world.connect('boss', { clientId: 'token-stored' })).code, 0);
  assert.is(await world.broker.endSessions('press', { exceptCredentialId: 'second' }), 2);
  await first.closed;
  await other.closed;
  assert.equal(await subscribed(second, ['plant/#']), [1]);
});

test('a connect that was judged before endSessions does not survive it', async ({ world }) => {
  const judged = Promise.withResolvers<void>();
  world.gate.pass = () => judged.promise;
  const connecting = world.connect('press', { version: 5 });
  await until(() => world.attempts.length === 1);
  delete world.accounts.press;
  assert.is(await world.broker.endSessions('press'), 0);
  world.gate.pass = async () => {};
  judged.resolve();
  assert.is((await connecting).code, 0x87);
  assert.is(world.attempts.length, 2);
  assert.equal(world.broker.sessions(), []);
});

test('a connect that is judged while rights change gets the new ones', async ({ world }) => {
  const judged = Promise.withResolvers<void>();
  world.gate.pass = () => judged.promise;
  const connecting = world.connect('press', { version: 5 });
  await until(() => world.attempts.length === 1);
  await world.change('press', { read: [] });
  world.gate.pass = async () => {};
  judged.resolve();
  assert.equal(await subscribed(await connecting, ['plant/#']), [0x87]);
});

test('an account that changes without end is unavailable, not a loop', async ({ world }) => {
  world.gate.pass = () => world.change('press', {});
  assert.is((await world.connect('press', { version: 5 })).code, 0x88);
  assert.is(world.attempts.length, 3);
});

test('endSessions between the judgement and the CONNACK wins', async ({ world }) => {
  for (let round = 0; round < 30; round++) {
    const connecting = world
      .connect('press', { clientId: 'press', clean: false })
      .catch(() => null);
    await until(() => world.attempts.length === round + 1);
    for (let turn = 0; turn < round % 6; turn++) await Promise.resolve();
    delete world.accounts.press;
    await world.broker.endSessions('press');
    const client = await connecting;
    if (client?.code === 0) await client.closed;
    assert.equal(world.broker.sessions(), []);
    assert.is(world.broker.sessionCount('press'), 0);
    world.accounts.press = accounts().press as Account;
    world.attempts.length = round + 1;
  }
});

test('endSessions after the judgement and before the CONNACK leaves no ghost', async () => {
  let end = () => {};
  const world = await embeddedWorld(accounts(), { onConnect: () => end() });
  await stored(world, 'press-7');
  for (const later of [queueMicrotask, setImmediate, process.nextTick]) {
    const ended = Promise.withResolvers<number>();
    end = () => later(() => ended.resolve(world.broker.endSessions('press')));
    const client = await world
      .connect('press', { clientId: 'press-7', clean: false })
      .catch(() => null);
    await ended.promise;
    await client?.closed;
    end = () => {};
    assert.is(world.broker.sessionCount('press'), 0);
    const next = await world.connect('boss', { clientId: 'press-7', clean: false });
    assert.equal(await subscribed(next, ['a']), [1]);
    assert.is(await world.broker.endSessions('boss'), 1);
    await stored(world, 'press-7');
  }
  await world.close();
});

for (const version of versions) {
  test(`version ${version}: setAuthorization is in force at once, subscriptions end`, async ({
    world,
  }) => {
    const press = await world.connect('press', { version });
    await subscribed(press, ['plant/#', 'plant/open', 'marker']);
    const boss = await world.connect('boss');
    await world.change('press', { read: ['plant/open', 'marker'], write: ['new/#'] });
    // Given back: the subscription that ended stays ended.
    await world.change('press', { read: ['plant/#', 'marker'] });
    boss.send(
      publish('plant/other', 'no longer'),
      publish('plant/open', 'still'),
      publish('marker', 'last'),
    );
    assert.equal(await messagesUntil(press, 'last'), ['plant/open still', 'marker last']);
    await subscribed(boss, ['new/#']);
    press.send(publish('new/a', 'given'));
    assert.is((await boss.take('publish')).payload.toString(), 'given');
    press.send(publish('plant/a', 'taken', { qos: 1 }));
    if (version === 5) assert.is((await press.take('puback')).reasonCode, 0x87);
    else await press.closed;
  });
}

test('setAuthorization changes the publish prefix of live sessions', async ({ world }) => {
  const boss = await world.connect('boss');
  await subscribed(boss, ['plant/#']);
  const press = await world.connect('press');
  await world.change('press', { publishPrefix: 'plant/9/' });
  press.send(publish('a', 'x'));
  assert.is((await boss.take('publish')).topic, 'plant/9/a');
  await world.broker.setAuthorization('press', rightsOf({ read: [], write: ['plant/#'] }));
  press.send(publish('plant/a', 'x'));
  assert.is((await boss.take('publish')).topic, 'plant/a');
});

test('setAuthorization ends stored subscriptions', async ({ world }) => {
  await stored(world, 'absent');
  await world.change('press', { read: ['marker'] });
  await world.change('press', { read: ['plant/#', 'marker'] });
  const boss = await world.connect('boss');
  boss.send(publish('plant/a', 'x', { qos: 1 }));
  await boss.take('puback');
  const back = await world.connect('press', { clientId: 'absent', clean: false });
  assert.ok(back.connack.sessionPresent);
  boss.send(publish('plant/a', 'y', { qos: 1 }), publish('marker', 'last', { qos: 1 }));
  assert.equal(await messagesUntil(back, 'last'), ['marker last']);
});

test('setAuthorization with another pinned client id ends the session', async ({ world }) => {
  const press = await world.connect('press', { version: 5, clientId: 'press-7' });
  await stored(world, 'press-8');
  await world.change('press', { pinnedClientId: 'press-7' });
  assert.equal(await subscribed(press, ['plant/#']), [1]);
  assert.is((await world.connect('boss', { clientId: 'press-8' })).code, 0);
  await world.change('press', { pinnedClientId: 'press-9' });
  assert.is((await press.take('disconnect')).reasonCode, 0x98);
  await press.closed;
});

test('whether anything at or below a topic is read: by sessions live and stored, of few enough', async ({
  world,
}) => {
  const { broker } = world;
  assert.not(broker.isAnyReadBelow('plant'));
  const boss = await world.connect('boss');
  assert.not(broker.isAnyReadBelow('plant'));
  // More sessions than may be looked at: it may be.
  assert.ok(broker.isAnyReadBelow('plant', 0));
  assert.not(broker.isAnyReadBelow('plant', 1));
  await subscribed(boss, ['+/a']);
  assert.ok(broker.isAnyReadBelow('plant', 1));
  assert.not(broker.isAnyReadBelow('plant/b', 1));
  await broker.endSessions('boss');
  assert.not(broker.isAnyReadBelow('plant'));
  // `stored` leaves a session that reads below it, and no connection.
  await stored(world, 'absent', { version: 5 });
  assert.ok(broker.isAnyReadBelow('plant', 1));
});

test.run();
