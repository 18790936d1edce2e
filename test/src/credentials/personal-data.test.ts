import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  createPersonal,
  type Personal,
  type PersonalKey,
} from '../../../src/credentials/personal-data.ts';
import { keyIdOf, openField, SealBroken, sealField } from '../../../src/credentials/seal.ts';
import { createVault, type Vault } from '../../../src/credentials/vault.ts';
import { type EventStore, noStream } from '../../../src/store/event-store.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('personal fields');

const key = createSecretKey(randomBytes(32));
const keyId = randomUUID();
const context = { site: 'Halle 7', operator: 'Zoë' };
const sealed = sealField(key, keyId, 'press-1', 'context', context);

test('any JSON value comes back from its seal', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), text, text, (value, username, field) => {
      const back = openField(key, username, field, sealField(key, keyId, username, field, value));
      assert.is(JSON.stringify(back), JSON.stringify(value));
    }),
  );
});

test('the sealed text is the key’s id and base64url, and shows nothing of the value', () => {
  assert.match(sealed, /^[0-9a-f-]{36}\.[\w-]+$/);
  assert.is(keyIdOf(sealed), keyId);
  const word = fc.string({ minLength: 6, unit: fc.constantFrom('x', 'q', '7') });
  fc.assert(
    fc.property(word, (secret) => {
      const text = sealField(key, keyId, 'press-1', 'context', secret);
      const bytes = Buffer.from(text.slice(text.indexOf('.') + 1), 'base64url');
      assert.not(text.includes(secret));
      assert.not(bytes.includes(secret));
    }),
  );
});

test('the same value is sealed differently each time', () => {
  const texts = Array.from({ length: 100 }, () => sealField(key, keyId, 'a', 'b', null));
  assert.is(new Set(texts).size, 100);
});

test('no letter of it can be another, none can be missing, none more', () => {
  const start = sealed.indexOf('.') + 1;
  for (let place = start; place < sealed.length; place += 1) {
    const other = sealed[place] === 'A' ? 'B' : 'A';
    for (const text of [
      sealed.slice(0, place) + other + sealed.slice(place + 1),
      sealed.slice(0, place) + sealed.slice(place + 1),
      `${sealed.slice(0, place)}!${sealed.slice(place)}`,
    ]) {
      assert.throws(
        () => openField(key, 'press-1', 'context', text),
        (error: unknown) => error instanceof SealBroken,
      );
    }
  }
});

for (const [what, text] of [
  ['no text', ''],
  ['only an id', `${keyId}.`],
  ['too little', `${keyId}.AAAA`],
  ['a nonce and a tag of zeros', `${keyId}.${Buffer.alloc(28).toString('base64url')}`],
] as const) {
  test(`${what} does not open`, () => {
    assert.throws(
      () => openField(key, 'press-1', 'context', text),
      (error: unknown) => error instanceof SealBroken,
    );
  });
}

test('another name, another field, another key: it does not open, and the error shows nothing', () => {
  for (const [otherKey, username, field] of [
    [key, 'press-2', 'context'],
    [key, 'press-1', 'source'],
    [key, 'press-1context', ''],
    [createSecretKey(randomBytes(32)), 'press-1', 'context'],
  ] as const) {
    assert.throws(
      () => openField(otherKey, username, field, sealed),
      (error: unknown) =>
        error instanceof SealBroken &&
        error.cause === undefined &&
        !error.message.includes('Halle') &&
        !error.message.includes(sealed),
    );
  }
});

test('what is no JSON value is not sealed', () => {
  assert.throws(() => sealField(key, keyId, 'a', 'b', undefined), /no JSON value/);
});

/** Bytes of ArrayBuffers behind Buffers that are held here. */
function pooledBytes(held: readonly unknown[]): number {
  const buffers = held
    .flatMap((one) => Object.values(one as object))
    .filter((value) => Buffer.isBuffer(value))
    .map(({ buffer }) => buffer);
  return [...new Set(buffers)].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function world() {
  const store = memoryStore();
  const vault = createVault(store);
  return { store, vault, personal: createPersonal(vault) };
}

async function keptKey(
  store: EventStore,
  personal: Personal,
  username: string,
): Promise<PersonalKey> {
  const made = await personal.keyFor(username, null);
  assert.match(made.newText ?? '', /^[\w-]{43}$/);
  const { stream, event } = personal.written(username, made);
  await store.append(stream, noStream, [event]);
  return made;
}

test('a name’s key is made once, kept, and found again', async () => {
  const { store, vault, personal } = world();
  const made = await keptKey(store, personal, 'press-1');
  assert.is(made.key.symmetricKeySize, 32);
  const found = await createPersonal(vault).keyFor('press-1', made.keyId);
  assert.equal(found, { ...made, newText: null });
  assert.is.not((await personal.keyFor('press-2', null)).keyId, made.keyId);
});

test('a key that nobody kept is nowhere', async () => {
  const { vault, personal } = world();
  const made = await personal.keyFor('press-1', null);
  assert.is(await vault.open(made.keyId), undefined);
});

test('a sealed field opens by itself; none is null', async () => {
  const { store, personal } = world();
  const made = await keptKey(store, personal, 'press-1');
  const text = sealField(made.key, made.keyId, 'press-1', 'context', context);
  assert.equal(await personal.open('press-1', 'context', text), context);
  assert.is(await personal.open('press-1', 'context', null), null);
});

test('a key that is held keeps nothing else in memory', async () => {
  const { store, vault, personal } = world();
  const ids: string[] = [];
  for (let at = 0; at < 300; at += 1) {
    const made = await keptKey(store, personal, `press-${at}`);
    ids.push(made.keyId);
  }
  const reading = createPersonal(vault);
  const held: unknown[] = [];
  const before = pooledBytes(held);
  for (const [at, id] of ids.entries()) {
    held.push(await reading.keyFor(`press-${at}`, id));
    // Others take their share of the pool meanwhile.
    Buffer.from('x'.repeat(10_000));
  }
  assert.ok(pooledBytes(held) - before < 300 * 1_024, `${pooledBytes(held) - before} bytes`);
});

test('once the key is destroyed the field is null, and a new key is made for what comes', async () => {
  const { store, vault, personal } = world();
  const made = await keptKey(store, personal, 'press-1');
  const text = sealField(made.key, made.keyId, 'press-1', 'context', context);
  assert.equal(await personal.open('press-1', 'context', text), context);
  await vault.destroy(made.keyId);
  assert.is(await personal.open('press-1', 'context', text), null);
  const next = await personal.keyFor('press-1', made.keyId);
  assert.is.not(next.keyId, made.keyId);
  assert.not(next.key.equals(made.key));
});

test('a forgotten key is asked of the vault again', async () => {
  const { store, vault } = world();
  const silent: Pick<Vault, 'written' | 'open' | 'onDestroyed'> = {
    ...vault,
    onDestroyed: () => {},
  };
  const personal = createPersonal(silent);
  const made = await keptKey(store, personal, 'press-1');
  const text = sealField(made.key, made.keyId, 'press-1', 'context', context);
  await personal.open('press-1', 'context', text);
  await vault.destroy(made.keyId);
  assert.equal(await personal.open('press-1', 'context', text), context);
  personal.forget(made.keyId);
  assert.is(await personal.open('press-1', 'context', text), null);
});

test('a changed field throws; a key of another name or of another kind opens nothing', async () => {
  const { store, vault, personal } = world();
  const made = await keptKey(store, personal, 'press-1');
  const text = sealField(made.key, made.keyId, 'press-1', 'context', context);
  const broken = (attempt: Promise<unknown>, pattern: RegExp) =>
    attempt.then(
      () => assert.unreachable(),
      (error) => assert.match(error.message, pattern),
    );
  await broken(personal.open('press-1', 'context', `${text}A`), /does not open/);
  await broken(personal.open('press-1', 'source', text), /does not open/);
  await broken(personal.open('press-2', 'context', text), /is not that of "press-2"/);
  await broken(Promise.resolve(personal.keyFor('press-2', made.keyId)), /is not that of "press-2"/);
  const id = await vault.keep({ kind: 'verifier', username: 'press-1', verifier: '$x' });
  await broken(personal.open('press-1', 'context', `${id}.AAAA`), /not the id of a key/);
});

test('at the limit of held keys, the oldest is asked of the vault again', async () => {
  const { store, vault } = world();
  const opened: string[] = [];
  const counting: Pick<Vault, 'written' | 'open' | 'onDestroyed'> = {
    ...vault,
    open: (id) => {
      opened.push(id);
      return vault.open(id);
    },
  };
  const personal = createPersonal(counting, { keysMax: 2 });
  const made = [];
  for (const username of ['a', 'b', 'c']) {
    const one = await keptKey(store, personal, username);
    made.push({ username, text: sealField(one.key, one.keyId, username, 'x', 1), id: one.keyId });
  }
  const [a, b, c] = made as [(typeof made)[0], (typeof made)[0], (typeof made)[0]];
  for (const { username, text } of [a, a, b, a, c, a, b]) await personal.open(username, 'x', text);
  assert.equal(opened, [a.id, b.id, c.id, b.id]);
});

test.run();
