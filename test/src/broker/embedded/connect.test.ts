import { generate, type Packet } from 'mqtt-packet';
import {
  connected,
  connectPacket,
  publish,
  rawMqtt,
  subscribed,
  until,
  versions,
} from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Account, embeddedWorld, type World } from './world.ts';

const account = (more: Partial<Account> = {}): Account => ({
  password: 'secret-1',
  read: ['plant/#'],
  write: ['plant/#'],
  ...more,
});

const test = suite<{ world: World }>('embedded broker: connect');

test.before.each(async (context) => {
  context.world = await embeddedWorld({ ada: account(), ben: account() });
});
test.after.each(({ world }) => world.close());

const refused = { 3: 5, 4: 5, 5: 0x87 } as const;
const taken = { 3: 2, 4: 2, 5: 0x85 } as const;
const unavailable = { 3: 3, 4: 3, 5: 0x88 } as const;

for (const version of versions) {
  test(`version ${version}: the right password is let in`, async ({ world }) => {
    const client = await world.connect('ada', { version });
    assert.is(client.code, 0);
    assert.equal(world.outcomes, ['admitted']);
  });

  for (const [what, connect] of [
    ['an unknown name', { username: 'eve', password: 'secret-1' }],
    ['a wrong password', { username: 'ada', password: 'secret-2' }],
    ['no password', { username: 'ada' }],
    ['no name and no password', {}],
    ['an empty name', { username: '', password: 'secret-1' }],
    ['a name against the rules', { username: 'a/#+\u0000', password: 'secret-1' }],
  ] as const) {
    test(`version ${version}: ${what} is refused like every other`, async ({ world }) => {
      const client = await connected(world.port, { version, clientId: 'x', ...connect });
      assert.is(client.code, refused[version]);
      assert.is(client.connack.properties, undefined);
      await client.closed;
      assert.equal(world.outcomes, ['refused']);
      assert.is(world.attempts.length, 1);
    });
  }

  /** The same bytes, with others in the place of the text `@@@`. */
  const replaced = (packet: Packet, bytes: readonly number[]): Buffer => {
    const whole = generate(packet, { protocolVersion: version });
    whole.set(bytes, whole.indexOf('@@@'));
    return whole;
  };
  const notUtf8 = {
    'a byte that begins nothing': [0xff, 0x61, 0x61],
    surrogate: [0xed, 0xa0, 0x80],
  };
  const will = { topic: 'plant/gone', payload: Buffer.from(''), qos: 0 as const, retain: false };

  for (const [what, bytes] of Object.entries(notUtf8)) {
    const login = { version, username: 'ada', password: 'secret-1' };
    for (const connect of [
      { ...login, clientId: '@@@' },
      { ...login, username: '@@@' },
      { ...login, clientId: '@@@', will },
      { ...login, username: '@@@', will },
      { ...login, will: { ...will, topic: 'plant/@@@' } },
    ])
      test(`version ${version}: ${what} in a CONNECT closes: ${JSON.stringify(connect)}`, async ({
        world,
      }) => {
        const raw = await rawMqtt(world.port, version);
        raw.send(replaced(connectPacket(connect), bytes));
        await raw.closed;
        assert.equal([raw.received, world.attempts], [[], []]);
      });

    const subscriptions = [{ topic: 'plant/@@@', qos: 0 as const }];
    for (const packet of [
      publish('plant/@@@', 'x'),
      publish('plant/@@@', 'x', { qos: 1, messageId: 1 }),
      { cmd: 'subscribe', messageId: 1, subscriptions },
      { cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['plant/@@@'] },
    ] as Packet[])
      test(`version ${version}: ${what} in a topic closes: ${JSON.stringify(packet)}`, async ({
        world,
      }) => {
        const client = await world.connect('ada', { version });
        client.send(replaced(packet, bytes));
        await client.closed;
        assert.equal(
          client.received.filter(({ cmd }) => cmd !== 'disconnect'),
          [],
        );
      });
  }

  test(`version ${version}: U+FFFD that was sent is a character as any other`, async ({
    world,
  }) => {
    const client = await world.connect('ada', { version, clientId: 'press-\ufffd' });
    assert.is(client.code, 0);
    assert.equal(await subscribed(client, ['plant/\ufffd']), [1]);
    client.send(publish('plant/\ufffd', 'x'));
    assert.is((await client.take('publish')).topic, 'plant/\ufffd');
  });

  for (const more of [{}, { will }])
    test(`version ${version}: bytes behind the last field of a CONNECT close: ${JSON.stringify(more)}`, async ({
      world,
    }) => {
      const raw = await rawMqtt(world.port, version);
      const login = { version, username: 'ada', password: 'secret-1', ...more };
      const bytes = generate(connectPacket(login), { protocolVersion: version });
      // Its length is less than 126, one byte.
      bytes.writeUInt8(bytes.readUInt8(1) + 2, 1);
      raw.send(Buffer.concat([bytes, Buffer.from('xx')]));
      await raw.closed;
      assert.equal([raw.received, world.attempts], [[], []]);
    });

  test(`version ${version}: an authenticator that throws is unavailable`, async ({ world }) => {
    world.gate.pass = () => Promise.reject(new Error('the store is away'));
    const client = await world.connect('ada', { version });
    assert.is(client.code, unavailable[version]);
    assert.equal(world.outcomes, ['unavailable']);
    world.gate.pass = () => {
      throw new Error('at once');
    };
    assert.is((await world.connect('ada', { version })).code, unavailable[version]);
  });

  test(`version ${version}: a client id belongs to one username while its session lives`, async ({
    world,
  }) => {
    const owner = await world.connect('ada', { version, clientId: 'press-7' });
    const other = await world.connect('ben', { version, clientId: 'press-7' });
    assert.is(other.code, taken[version]);
    const guess = await world.connect('ben', { version, clientId: 'press-7', password: 'no' });
    assert.is(guess.code, refused[version]);
    // The owner is still there and still heard.
    assert.equal(await subscribed(owner, ['plant/a']), [1]);
  });

  test(`version ${version}: a client id of 128 characters`, async ({ world }) => {
    const clientId = 'x'.repeat(128);
    assert.is((await world.connect('ada', { version, clientId })).code, 0);
    const tooLong = await world.connect('ada', { version, clientId: 'x'.repeat(257) });
    assert.is(tooLong.code, taken[version]);
  });
}

test('the authenticator sees what the wire had', async ({ world }) => {
  await connected(world.port, { version: 4, clientId: 'press-7', username: 'a/b', password: 'p' });
  await connected(world.port, { version: 5, clientId: '' });
  const plain = { source: '127.0.0.1', certificate: null };
  const seen = world.attempts.map(({ gone: _, ...attempt }) => attempt);
  assert.equal(seen, [
    { username: 'a/b', password: Buffer.from('p'), clientId: 'press-7', ...plain },
    { username: undefined, password: undefined, clientId: '', ...plain },
  ]);
});

test('the registry may say that it is unavailable', async () => {
  const world = await embeddedWorld(
    {},
    { authenticator: { authenticate: async () => ({ admitted: false, reason: 'unavailable' }) } },
  );
  assert.is((await world.connect('ada', { version: 4 })).code, 3);
  assert.is((await world.connect('ada', { version: 5 })).code, 0x88);
  await world.close();
});

test('an authenticator that never answers is unavailable', async () => {
  const world = await embeddedWorld({ ada: account() }, { limits: { answerTimeoutMs: 50 } });
  world.gate.pass = () => new Promise(() => {});
  assert.is((await world.connect('ada', { version: 5 })).code, 0x88);
  await world.close();
});

for (const [how, connect] of [
  ['a quiet connection', {}],
  ['any other', { will: { topic: 'a', payload: Buffer.from('x'), qos: 0, retain: false } }],
] as const)
  test(`of ${how} the authenticator knows that it is gone, and nothing is told of it`, async ({
    world,
  }) => {
    const judged = Promise.withResolvers<void>();
    world.gate.pass = () => judged.promise;
    const raw = await rawMqtt(world.port);
    raw.send(connectPacket({ ...connect, clientId: 'ada', username: 'ada', password: 'secret-1' }));
    await until(() => world.attempts.length === 1);
    const gone = world.attempts[0]?.gone?.();
    assert.is(gone?.aborted, false);
    raw.end();
    await until(() => gone?.aborted === true);
    assert.is(world.attempts[0]?.gone?.().aborted, true);
    judged.reject(new Error('given up'));
    await until(() => world.broker.connectionCount() === 0);
    assert.equal(world.outcomes, []);
  });

test('an authenticator that admits somebody else admits nobody', async () => {
  const world = await embeddedWorld({ ada: account() });
  const other = await embeddedWorld(
    {},
    {
      authenticator: {
        async authenticate() {
          const [attempt] = world.attempts;
          return {
            admitted: true,
            admission: {
              username: attempt?.username ?? 'ada',
              credentialId: null,
              tokenId: null,
              certificate: null,
              permissions: { mqttRead: [], mqttWrite: [], httpRead: [], httpWrite: [] },
              publishPrefix: null,
              pinnedClientId: null,
            },
          };
        },
      },
    },
  );
  assert.is((await other.connect('eve')).code, 3);
  await other.close();
  await world.close();
});

test('a pinned client id is the only one, and told apart only with the right password', async ({
  world,
}) => {
  world.accounts.ada = account({ pinnedClientId: 'press-7' });
  assert.is((await world.connect('ada', { version: 4, clientId: 'press-8' })).code, 2);
  assert.is((await world.connect('ada', { version: 5, clientId: 'press-8' })).code, 0x85);
  assert.is((await world.connect('ada', { clientId: 'press-8', password: 'no' })).code, 5);
  assert.is((await world.connect('ada', { version: 5, clientId: '' })).code, 0x85);
  assert.is((await world.connect('ada', { clientId: 'press-7' })).code, 0);
});

test('a stored session keeps its client id for its owner', async ({ world }) => {
  const owner = await world.connect('ada', { clientId: 'press-7', clean: false });
  await subscribed(owner, ['plant/a']);
  owner.send({ cmd: 'disconnect' });
  await owner.closed;
  assert.is((await world.connect('ben', { clientId: 'press-7' })).code, 2);
  assert.is((await world.connect('ben', { clientId: 'press-7', clean: false })).code, 2);
  const back = await world.connect('ada', { clientId: 'press-7', clean: false });
  assert.ok(back.connack.sessionPresent);
});

test('a client id is free again when its session is over', async ({ world }) => {
  const owner = await world.connect('ada', { clientId: 'press-7' });
  owner.end();
  await until(() => world.broker.sessionCount('ada') === 0);
  const next = await world.connect('ben', { clientId: 'press-7', clean: false });
  assert.is(next.code, 0);
  assert.not.ok(next.connack.sessionPresent);
});

test('of two users who race for a client id exactly one wins', async ({ world }) => {
  for (let round = 0; round < 20; round++) {
    const clientId = `press-${round}`;
    const codes = await Promise.all(
      ['ada', 'ben', 'ada', 'ben'].map(async (username) => {
        const client = world.connect(username, { clientId, clean: round % 2 === 0 });
        // The winner may take itself over before it was answered.
        const code = await client.then(
          ({ code }) => code,
          () => 0,
        );
        return [username, code] as const;
      }),
    );
    const winners = new Set(codes.filter(([, code]) => code === 0).map(([username]) => username));
    assert.is(winners.size, 1);
    for (const [username, code] of codes) assert.is(code, winners.has(username) ? 0 : 2);
    assert.is(world.broker.sessions().filter((session) => session.clientId === clientId).length, 1);
  }
});

test('the same user with the same client id takes its own session over', async ({ world }) => {
  const first = await world.connect('ada', { version: 5, clientId: 'press-7' });
  const second = await world.connect('ada', { version: 5, clientId: 'press-7' });
  assert.is((await first.take('disconnect')).reasonCode, 0x8e);
  await first.closed;
  assert.is(second.code, 0);
  assert.is(world.broker.sessionCount('ada'), 1);
  assert.equal(await subscribed(second, ['plant/a']), [1]);
});

test('many takeovers at once leave one session that works', async ({ world }) => {
  const clients = await Promise.allSettled(
    Array.from({ length: 20 }, () => world.connect('ada', { clientId: 'press-7', clean: false })),
  );
  await until(() => world.broker.sessions().length === 1);
  const alive = clients.flatMap((one) =>
    one.status === 'fulfilled' && !one.value.socket.destroyed ? [one.value] : [],
  );
  await until(() => alive.filter(({ socket }) => !socket.destroyed).length === 1);
  const [winner] = alive.filter(({ socket }) => !socket.destroyed);
  assert.ok(winner);
  assert.equal(await subscribed(winner, ['plant/a']), [1]);
});

test('a client that leaves while it is judged leaves nothing behind', async ({ world }) => {
  const judged = Promise.withResolvers<void>();
  world.gate.pass = () => judged.promise;
  const leaving = await rawMqtt(world.port);
  leaving.send(connectPacket({ username: 'ada', password: 'secret-1', clientId: 'press-7' }));
  await until(() => world.attempts.length === 1);
  leaving.end();
  judged.resolve();
  world.gate.pass = async () => {};
  await until(() => world.broker.sessions().length === 0);
  assert.is((await world.connect('ben', { clientId: 'press-7' })).code, 0);
});

test('names that every object has are names like any other', async ({ world }) => {
  for (const clientId of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    for (const version of versions) {
      const client = await world.connect('ada', { version, clientId });
      assert.is(client.code, 0, clientId);
      assert.is((await world.connect('ben', { version, clientId })).code, taken[version]);
      client.end();
    }
    await until(() => world.broker.sessions().length === 0);
  }
});

test('an empty client id is given one', async ({ world }) => {
  const client = await world.connect('ada', { version: 5, clientId: '' });
  const given = client.connack.properties?.assignedClientIdentifier;
  assert.ok(given);
  assert.equal(
    world.broker.sessions().map(({ clientId }) => clientId),
    [given],
  );
});

test('who is there, since when, from where', async () => {
  let at = new Date('2026-01-01T00:00:00.000Z');
  const seen: string[] = [];
  const world = await embeddedWorld(
    { ada: account() },
    {
      now: () => at,
      onSeen: ({ username, atMs }, how) =>
        seen.push(`${username} ${how} ${new Date(atMs).toISOString()}`),
    },
  );
  assert.equal(world.broker.lastPackets(), []);
  await world.connect('ada', { version: 3, clientId: 'a' });
  const second = await world.connect('ada', { version: 5, clientId: 'b' });
  assert.equal(world.broker.sessions(), [
    {
      username: 'ada',
      clientId: 'a',
      source: '127.0.0.1',
      protocol: 'mqtt-3.1',
      since: at.toISOString(),
    },
    {
      username: 'ada',
      clientId: 'b',
      source: '127.0.0.1',
      protocol: 'mqtt-5',
      since: at.toISOString(),
    },
  ]);
  assert.is(world.broker.sessionCount('ada'), 2);
  at = new Date('2026-01-01T00:01:00.000Z');
  second.send(publish('plant/a', 'x', { qos: 1 }));
  await second.take('puback');
  const packets = world.broker.lastPackets('ada').map(({ atMs }) => atMs);
  assert.is(Math.max(...packets), at.getTime());
  second.end();
  await until(() => world.broker.sessionCount('ada') === 1);
  at = new Date('2026-01-01T00:02:00.000Z');
  assert.equal(seen, [
    'ada opened 2026-01-01T00:00:00.000Z',
    'ada opened 2026-01-01T00:00:00.000Z',
    'ada closed 2026-01-01T00:01:00.000Z',
  ]);
  assert.is(world.broker.lastPackets().length, 1);
  await world.close();
});

test.run();
