/** What an offered password proves, and at what cost: strong ones by one keyed hash, others by a slow one or from memory. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Client, initial } from '../../../../domain/client/state.ts';
import { createPasswords, HashingBusy } from '../../../../src/credentials/passwords/passwords.ts';
import { createProofs } from '../../../../src/credentials/passwords/proofs.ts';
import type { Secret } from '../../../../src/credentials/vault.ts';
import { hashesAtOnceMax } from '../../../../src/limits/credentials.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('proofs of passwords');

const username = 'press-1';
const strong = () => randomBytes(16).toString('hex');
const weak = 'correct horse battery';

const noneMovedIn = {
  ...{ count: () => 0, waits: () => false },
  ...{ matching: async () => null, replace: () => undefined },
};

/** A name that waits with a password, and a vault that counts what is read. */
async function world(password: string) {
  const passwords = createPasswords({ pepper: randomBytes(32), concurrency: hashesAtOnceMax });
  const credentialId = randomUUID();
  const verifier = await passwords.verifierOf(username, password, 'here');
  const secrets = new Map<string, Secret>([
    [credentialId, { kind: 'verifier', username, verifier }],
  ]);
  const held = (id: string) => secrets.get(id);
  const vault = { held, open: async (id: string) => held(id) };
  const state = { ...initial, status: 'suspended', credentialId, challenger: null, denial: null };
  return {
    passwords,
    proofs: createProofs(passwords, vault as never, noneMovedIn),
    credentialId,
    state: state as unknown as Client,
    secrets,
  };
}

for (const [kind, password] of [
  ['strong', strong()],
  ['weak', weak],
] as const)
  test(`a ${kind} password proves the credential that it was kept for, and no other`, async () => {
    const { proofs, state, credentialId, secrets } = await world(password);
    const full = await proofs.of(username, password).full('here');
    assert.is(await full.matching(state), credentialId);
    assert.is(await full.matching(initial), null);
    const others = [
      await proofs.of(username, `${password}0`).full('here'),
      await proofs.of('press-2', password).full('here'),
    ];
    for (const other of others) assert.is(await other.matching(state), null);
    secrets.clear();
    assert.is(await full.matching(state), null, 'destroyed');
  });

test('a strong password is not remembered: its hash costs no more', async () => {
  const password = strong();
  const { proofs, passwords, state, credentialId } = await world(password);
  const proof = proofs.of(username, password).quick();
  proof.remember(credentialId);
  assert.is(passwords.remembered(), 0);
  assert.is(await proofs.of(username, password).quick().matching(state), credentialId);
  assert.match(await proof.verifier(), /^\$gatebook-hmac/);
});

test('a strong password is judged at once where its verifier is in memory, nothing else is', async () => {
  const password = strong();
  const { proofs, credentialId, secrets } = await world(password);
  assert.is(proofs.of(username, password).atHand(credentialId), true);
  assert.is(proofs.of(username, strong()).atHand(credentialId), false);
  assert.is(proofs.of('press-2', password).atHand(credentialId), false);
  assert.is(proofs.of(username, weak).atHand(credentialId), undefined);
  secrets.clear();
  assert.is(proofs.of(username, password).atHand(credentialId), undefined, 'destroyed');
});

test('a weak password that was right once needs no second slow hash', async () => {
  const { proofs, passwords, state, credentialId } = await world(weak);
  assert.is(await proofs.of(username, weak).quick().matching(state), null, 'not without a hash');
  (await proofs.of(username, weak).full('here')).remember(credentialId);
  assert.is(passwords.remembered(), 1);
  const hashes = passwords.slowHashes();
  assert.is(await proofs.of(username, weak).quick().matching(state), credentialId);
  const again = await proofs.of(username, weak).full('here');
  assert.is(await again.matching(state), credentialId);
  assert.is(passwords.slowHashes(), hashes);
  assert.match(await again.verifier(), /^\$argon2id/, 'hashed where it is kept anew');
});

test('a weak password of who is gone before its turn is not hashed', async () => {
  const { proofs, passwords } = await world(weak);
  const before = passwords.slowHashes();
  // More than are hashed at once.
  const hashed = Array.from({ length: hashesAtOnceMax }, () =>
    proofs.of(username, 'other').full('a'),
  );
  const leaving = new AbortController();
  const left = Promise.resolve(
    proofs.of(username, weak).full('here', 'door', () => leaving.signal),
  ).catch((error) => error);
  leaving.abort();
  assert.instance(await left, HashingBusy);
  await Promise.all(hashed);
  assert.is(passwords.slowHashes(), before + hashesAtOnceMax);
});

test.run();
