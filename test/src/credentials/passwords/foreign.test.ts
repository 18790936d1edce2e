/** Verifiers that another broker made: what a check costs, whoever's name it is, and how ours takes their place. */
import { createHook } from 'node:async_hooks';
import { pbkdf2Sync, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { foreignHashIn, foreignIterationsMax } from '../../../../domain/client/foreign-hash.ts';
import { roundsOf } from '../../../../src/credentials/passwords/foreign.ts';
import { createForeignVerifiers } from '../../../../src/credentials/passwords/foreign-verifiers.ts';
import { createPasswords } from '../../../../src/credentials/passwords/passwords.ts';
import { createProofs } from '../../../../src/credentials/passwords/proofs.ts';
import type { Secret } from '../../../../src/credentials/vault.ts';
import { Conflict } from '../../../../src/store/event-store.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('verifiers from elsewhere');

const plain = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
function verifierOf(password: string, iterations: number): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `$pbkdf2-sha512$i=${iterations},l=64$${plain(salt)}$${plain(hash)}`;
}

/** A vault in memory. */
function world() {
  const secrets = new Map<string, Secret>();
  const listeners: ((id: string) => void)[] = [];
  const faults: unknown[] = [];
  const vault = {
    open: async (id: string) => secrets.get(id),
    held: () => undefined,
    async keep(secret: Secret, id: string = randomUUID()) {
      if (secrets.has(id)) throw new Conflict(id);
      secrets.set(id, secret);
      return id;
    },
    async destroy(id: string) {
      secrets.delete(id);
      for (const listener of listeners) listener(id);
    },
    onDestroyed: (listener: (id: string) => void) => void listeners.push(listener),
  };
  const foreign = createForeignVerifiers(vault, (error) => faults.push(error));
  const passwords = createPasswords({ pepper: randomBytes(32) });
  const proofs = createProofs(passwords, vault as never, foreign);
  const moveIn = async (username: string, verifier: string) => {
    const foreignVerifierId = await vault.keep({ kind: 'verifier', username, verifier });
    const credentialId = randomUUID() as string;
    await foreign.learn(username, { credentialId, foreignVerifierId });
    return { credentialId, foreignVerifierId };
  };
  return { secrets, vault, foreign, proofs, moveIn, faults };
}

/** How many runs of PBKDF2 something takes. */
async function runsOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === 'PBKDF2REQUEST') count += 1;
    },
  }).enable();
  await work();
  hook.disable();
  return count;
}

test('the iterations of a check come to the same for every name', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: foreignIterationsMax }),
      fc.integer({ min: 0, max: foreignIterationsMax }),
      (iterations, more) => {
        const most = Math.min(foreignIterationsMax, iterations + more);
        const [own, rest] = roundsOf(iterations, most);
        const [unknown, left] = roundsOf(0, most);
        assert.is(own + rest, unknown + left);
        assert.ok(own > 0 && rest > 0 && unknown > 0 && left > 0);
        if (iterations > 0) assert.is(own, iterations);
      },
    ),
  ));

test('while one waits every password under every name takes two runs, and none before and after', async () => {
  const { proofs, foreign, moveIn } = world();
  const passwords = ['a weak one', randomBytes(16).toString('hex')];
  const costs = async (name: string) =>
    await Promise.all(
      passwords.map((one) => runsOf(async () => proofs.of(name, one).full('here'))),
    );
  assert.equal(await costs('nobody'), [0, 0]);
  const { credentialId } = await moveIn('moved', verifierOf('the right one', 101));
  await moveIn('other', verifierOf('the right one', 7));
  for (const name of ['moved', 'other', 'nobody'])
    for (const password of passwords)
      assert.is(
        await runsOf(async () => proofs.of(name, password).full('here')),
        2,
        `${name} ${password}`,
      );
  foreign.forget('other');
  assert.is(foreign.count(), 1);
  const proof = await proofs.of('moved', 'the right one').full('here');
  assert.is(await proof.proves(randomUUID()), false);
  assert.is(foreign.count(), 1);
  assert.is(await proof.proves(credentialId), true);
  while (foreign.count() > 0) await new Promise((next) => setImmediate(next));
  assert.equal(await costs('moved'), [0, 0]);
});

test('a guess at who moved in reads nothing of the vault, until there is a verifier of ours', async () => {
  const { proofs, foreign, moveIn, vault } = world();
  const { credentialId } = await moveIn('moved', verifierOf('the right one', 101));
  await moveIn('other', verifierOf('another', 101));
  const { open } = vault;
  const read: string[] = [];
  vault.open = async (id) => {
    read.push(id);
    return await open(id);
  };
  for (const guess of ['a weak one', randomBytes(16).toString('hex')]) {
    const proof = await proofs.of('moved', guess).full('here');
    assert.is(await proof.proves(credentialId), false);
  }
  assert.equal(read, []);
  assert.is(
    await (await proofs.of('moved', 'the right one').full('here')).proves(credentialId),
    true,
  );
  while (foreign.count() > 1) await new Promise((next) => setImmediate(next));
  assert.is(
    await (await proofs.of('moved', 'a weak one').full('here')).proves(credentialId),
    false,
  );
  assert.equal(read, [credentialId]);
});

test('ours takes its place once, also where another node was first', async () => {
  const { proofs, foreign, moveIn, secrets, vault } = world();
  const { credentialId, foreignVerifierId } = await moveIn('moved', verifierOf('right', 1));
  const proof = await proofs.of('moved', 'right').full('here');
  await vault.keep({ kind: 'verifier', username: 'moved', verifier: '$x' }, credentialId);
  await Promise.all([proof.proves(credentialId), proof.proves(credentialId)]);
  while (foreign.count() > 0) await new Promise((next) => setImmediate(next));
  assert.is(secrets.has(foreignVerifierId), false);
  assert.equal(secrets.get(credentialId), { kind: 'verifier', username: 'moved', verifier: '$x' });
});

test('who was revoked while it was replaced leaves nothing behind', async () => {
  const { proofs, foreign, moveIn, secrets, vault } = world();
  const { credentialId, foreignVerifierId } = await moveIn('moved', verifierOf('right', 1));
  const proof = await proofs.of('moved', 'right').full('here');
  const proven = proof.proves(credentialId);
  await vault.destroy(foreignVerifierId);
  await proven;
  while (secrets.size > 0) await new Promise((next) => setImmediate(next));
  assert.is(foreign.count(), 0);
});

test('a fault at its replacement is told, and the next use tries again', async () => {
  const { proofs, foreign, moveIn, vault, faults } = world();
  const { credentialId } = await moveIn('moved', verifierOf('right', 1));
  const { keep } = vault;
  vault.keep = async () => {
    throw new Error('the store is away');
  };
  const proof = await proofs.of('moved', 'right').full('here');
  assert.is(await proof.proves(credentialId), true);
  while (faults.length === 0) await new Promise((next) => setImmediate(next));
  assert.is(foreign.count(), 1);
  vault.keep = keep;
  await proof.proves(credentialId);
  while (foreign.count() > 0) await new Promise((next) => setImmediate(next));
});

test('what is no such verifier is said so', () => {
  const good = verifierOf('x', 101);
  assert.is(typeof foreignHashIn(good), 'object');
  for (const bad of [
    ...[`${good}=`, good.replace('i=101', 'i=0'), good.replace('l=64', 'l=32'), good.slice(1)],
    ...[good.replace('sha512', 'sha256'), `${good}$more`, good.replace(/\$[^$]+$/, '$')],
    good.replace('i=101', `i=${foreignIterationsMax + 1}`),
  ])
    assert.is(typeof foreignHashIn(bad), 'string', bad);
});

test.run();
