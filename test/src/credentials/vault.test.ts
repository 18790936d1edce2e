import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { createPasswords } from '../../../src/credentials/passwords/passwords.ts';
import { createVault, type Secret, type SecretOwner } from '../../../src/credentials/vault.ts';
import { beginning, type EventStore, noStream } from '../../../src/store/event-store.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { assert, suite } from '../../support/suite.ts';

const at = '2026-11-23T10:00:00.000Z';
const later = '2026-11-23T11:00:00.000Z';
const key = 'k'.repeat(43);
const strong = createPasswords({ pepper: Buffer.alloc(32) }).quickVerifierOf(
  'press-1',
  '0'.repeat(32),
);
const secrets: Secret[] = [
  { kind: 'verifier', username: 'press-1', verifier: strong ?? '' },
  { kind: 'verifier', username: 'press-1', verifier: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGE' },
  { kind: 'personal-key', username: 'press-1', key },
];
const [verifier] = secrets as [Secret];

const test = suite('vault', { store: memoryStore(), at });
test.before.each((world) => {
  world.store = memoryStore();
  world.at = at;
});
const open = (world: { store: EventStore; at: string }) => createVault(world.store, () => world.at);

for (const secret of secrets) {
  test(`${JSON.stringify(secret).slice(0, 80)} is kept, found by its id, and destroyed`, async (world) => {
    const vault = open(world);
    const id = await vault.keep(secret);
    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(await vault.open(id), secret);
    assert.equal(await vault.open(id), secret);
    assert.equal(await open(world).open(id), secret, 'after a restart');

    await vault.destroy(id);
    assert.is(await vault.open(id), undefined);
    assert.is(await open(world).open(id), undefined);
    assert.equal(await world.store.read(`vault-${id}`), []);
    await vault.destroy(id);
  });
}

test('a secret is one event of a stream of its own, apart from the log', async (world) => {
  const id = await open(world).keep(verifier);
  const events = await world.store.read(`vault-${id}`);
  assert.equal(
    events.map(({ type, data }) => ({ type, data })),
    [{ type: 'SecretKept', data: { at, ...verifier } }],
  );
  assert.equal(await world.store.readAll(beginning, 10), []);
});

test('an id that is none opens nothing and destroys nothing', async (world) => {
  const vault = open(world);
  await world.store.append('vault-keys', noStream, [
    {
      eventId: '1',
      type: 'KeysRecorded',
      data: {},
      metadata: { correlationId: '1', causationId: null },
    },
  ]);
  for (const id of ['keys', '', '../x', 'press-1']) {
    assert.is(await vault.open(id), undefined);
    await vault.destroy(id);
  }
  assert.is((await world.store.read('vault-keys')).length, 1);
});

test('what does not parse is our fault, and is not quoted', async (world) => {
  const vault = open(world);
  const id = '5f0f1a0e-6a0b-4d46-8d8e-0f6c8f1f6b11';
  for (const [revision, data] of [
    { at, kind: 'verifier', username: 'press-1', verifier: 'SECRET' },
    { at, kind: 'SECRET', username: 'press-1' },
  ].entries()) {
    const stream = `vault-${id.slice(0, -1)}${revision}`;
    await world.store.append(stream, noStream, [
      {
        eventId: `${revision}`,
        type: 'SecretKept',
        data,
        metadata: { correlationId: '1', causationId: null },
      },
    ]);
    await vault.open(stream.slice(6)).then(
      () => assert.unreachable(),
      (error) => {
        assert.ok(error.message.includes('holds nothing that this version can open'));
        assert.not(inspect(error, { depth: null }).includes('SECRET'));
      },
    );
  }
});

/** What no version of ours would keep. */
async function keepDamaged({ store }: { store: EventStore }, data: Record<string, unknown>) {
  const id = randomUUID();
  const metadata = { correlationId: '1', causationId: null };
  await store.append(`vault-${id}`, noStream, [
    { eventId: randomUUID(), type: 'SecretKept', data, metadata },
  ]);
  return id;
}

test('a secret that cannot be opened is left as it is, and stops no sweep', async (world) => {
  const vault = open(world);
  const before = await vault.keep(verifier);
  const damaged = [
    await keepDamaged(world, { at, kind: 'verifier', username: 'press-1' }),
    await keepDamaged(world, { at, kind: 'of a newer version' }),
  ];
  const after = await vault.keep(verifier);
  const told: unknown[] = [];
  const onUnreadable = (secret: unknown) => told.push(secret);
  assert.is(await vault.sweep(() => false, later, { onUnreadable }), 2);
  assert.equal(told, [
    { id: damaged[0], username: 'press-1' },
    { id: damaged[1], username: null },
  ]);
  for (const id of [before, after]) assert.is(await vault.open(id), undefined);
  for (const id of damaged) assert.is((await world.store.read(`vault-${id}`)).length, 1);
});

test('what others keep is known here behind one that cannot be opened', async (world) => {
  const here = createVault(world.store, () => at, { copied: true });
  const damaged = await keepDamaged(world, { at, kind: 'verifier', username: 'press-1' });
  const id = await open(world).keep(verifier);
  const end = new AbortController();
  const watching = here.watch(end.signal);
  while (here.held(id) === undefined) await new Promise((next) => setImmediate(next));
  assert.is(here.held(damaged), undefined);
  end.abort();
  await watching;
});

test('nothing is kept that could not be opened again', async (world) => {
  const none = { kind: 'verifier', username: 'press-1', verifier: undefined } as never;
  await open(world)
    .keep(none)
    .then(
      () => assert.unreachable(),
      (error) => assert.instance(error, TypeError),
    );
  assert.equal(await world.store.readVault(beginning, 10), []);
});

test('a sweep destroys what no event names, and nothing else', async (world) => {
  const vault = open(world);
  const named = await vault.keep(verifier);
  const orphans = [await vault.keep(verifier), await vault.keep(secrets[2] ?? verifier)];
  const gone = await vault.keep(verifier);
  await vault.destroy(gone);
  await world.store.append('vault-keys', noStream, [
    {
      eventId: '1',
      type: 'KeysRecorded',
      data: {},
      metadata: { correlationId: '1', causationId: null },
    },
  ]);
  world.at = later;
  const fresh = await vault.keep(verifier);

  const asked: string[] = [];
  const isReferenced = async (id: string, owner: SecretOwner) => {
    const kind = id === orphans[1] ? 'personal-key' : 'verifier';
    assert.equal(owner, { kind, username: 'press-1' }, 'the secret itself is not shown');
    asked.push(id);
    return id === named;
  };
  assert.is(await vault.sweep(isReferenced, later), 2);
  assert.equal(asked, [named, ...orphans]);
  assert.ok(await vault.open(named));
  assert.ok(await vault.open(fresh));
  for (const orphan of orphans) assert.is(await vault.open(orphan), undefined);
  assert.is((await world.store.read('vault-keys')).length, 1);
  assert.is(await vault.sweep(isReferenced, later), 0);
});

test('a sweep goes through more than one page', async (world) => {
  const vault = open(world);
  for (let count = 0; count < 2_500; count += 1) await vault.keep(verifier);
  assert.is(await vault.sweep(() => false, later), 2_500);
  assert.is(await vault.sweep(() => false, later), 0);
});

test('what is destroyed is told to those who hold it', async (world) => {
  const vault = open(world);
  const told: string[] = [];
  vault.onDestroyed((id) => told.push(id));
  const id = await vault.keep(verifier);
  await vault.destroy(id);
  assert.equal(told, [id]);
});

test('what another node destroys is forgotten here', async (world) => {
  const [here, there] = [open(world), open(world)];
  const id = await here.keep(verifier);
  assert.ok(await here.open(id));
  const told = Promise.withResolvers<string>();
  here.onDestroyed(told.resolve);

  const end = new AbortController();
  const watching = here.watch(end.signal);
  await there.destroy(id);
  assert.is(await told.promise, id);
  assert.is(await here.open(id), undefined);
  end.abort();
  await watching;
});

test('a read that a destruction overtakes is not held', async (world) => {
  const reading = Promise.withResolvers<void>();
  const slow: EventStore = {
    ...world.store,
    async read(stream) {
      const events = await world.store.read(stream);
      await reading.promise;
      return events;
    },
  };
  const vault = createVault(slow, () => at);
  const id = await vault.keep(verifier);
  const opening = vault.open(id);
  await vault.destroy(id);
  reading.resolve();
  await opening;
  assert.is(await vault.open(id), undefined);
});

test.run();
