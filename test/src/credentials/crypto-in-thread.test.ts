/** Tokens and fields of many that are wanted together are signed and sealed by a thread: as good as any, also where the thread goes. */
import { createSecretKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CryptoInThread } from '../../../src/credentials/crypto-in-thread.ts';
import { type KeyRing, readKeyRing } from '../../../src/credentials/keys/signing.ts';
import { createPersonal } from '../../../src/credentials/personal-data.ts';
import { keyIdOf, openField } from '../../../src/credentials/seal.ts';
import { createVault } from '../../../src/credentials/vault.ts';
import { cryptoTogetherMin } from '../../../src/limits/credentials.ts';
import { memoryStore } from '../../support/event-store/memory-store.ts';
import { assert, suite } from '../../support/suite.ts';
import { afterMs, hourMs, node, start, type World } from './token-world.ts';

const test = suite<{ world: World; signing: KeyRing['signing']; ids: string[] }>(
  'tokens and fields by a thread',
);
test.before.each(async (context) => {
  context.world = { dir: await mkdtemp(join(tmpdir(), 'gatebook-signing-')), at: start };
  await node(context.world);
  context.signing = ((await readKeyRing(context.world.dir)) as KeyRing).signing;
  context.ids = Array.from({ length: cryptoTogetherMin }, (_, at) => `id-${at}`);
});
test.after.each(({ world }) => rm(world.dir, { recursive: true }));

const claimsOf = (jti: string) => ({
  ...{ sub: `Maschine ${jti} ä`, jti, iss: 'gatebook', aud: 'gatebook' },
  ...{ iat: start, exp: afterMs(hourMs) },
});

/** A thread that is there, and how many it was asked for each time. */
async function begun({ signing, ids }: { signing: KeyRing['signing']; ids: string[] }) {
  const asked: number[] = [];
  class Counting extends CryptoInThread {
    override sign(...[toSign]: Parameters<CryptoInThread['sign']>) {
      const signed = super.sign(toSign);
      if (signed !== undefined) asked.push(toSign.messages.length);
      return signed;
    }
    override seal(...[toSeal]: Parameters<CryptoInThread['seal']>) {
      const sealed = super.seal(toSeal);
      if (sealed !== undefined) asked.push(toSeal.clients.length);
      return sealed;
    }
  }
  const byThread = new Counting();
  while (asked.length === 0) await signing.signAll(ids.map(claimsOf), byThread);
  return { byThread, asked };
}

/** The next message to any thread ends it instead. */
function endNextThread(): void {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker) {
    Worker.prototype.postMessage = postMessage;
    void this.terminate();
  };
}

test('tokens of the thread verify, each with its own claims', async (context) => {
  const { world, signing, ids } = context;
  const { byThread, asked } = await begun(context);
  const signed = await signing.signAll(ids.map(claimsOf), byThread);
  assert.equal(asked, [ids.length, ids.length]);
  const tokens = await node(world);
  const verified = await Promise.all(signed.map((token) => tokens.verify(token, 'gatebook')));
  assert.equal(
    verified.map((token) => [token?.subject, token?.id]),
    ids.map((id) => [`Maschine ${id} ä`, id]),
  );
  // The same bytes as elsewhere: an Ed25519 signature has no randomness.
  assert.equal(signed, await signing.signAll(ids.map(claimsOf)));
});

test('few tokens are not given to the thread', async (context) => {
  const { byThread, asked } = await begun(context);
  const few = context.ids.slice(1).map(claimsOf);
  assert.is((await context.signing.signAll(few, byThread)).length, few.length);
  assert.is(asked.length, 1);
});

test('where the thread ends before it answers, and after it, all are signed all the same', async (context) => {
  const { signing, ids } = context;
  const { byThread } = await begun(context);
  const expected = await signing.signAll(ids.map(claimsOf));
  endNextThread();
  assert.equal(await signing.signAll(ids.map(claimsOf), byThread), expected);
  assert.equal(await signing.signAll(ids.map(claimsOf), byThread), expected);
});

/** Clients whose fields are sealed in one turn, and whether all of them open, each with its own key alone. */
async function sealedAtOnce(thread: CryptoInThread, count: number) {
  const vault = createVault(memoryStore());
  const personal = createPersonal(vault, { thread });
  const values = (at: number) => [`192.0.2.${at}`, null, { at, text: 'ä"\\' }];
  const sealed = await Promise.all(
    Array.from({ length: count }, async (_, at) =>
      personal.sealed(`press-${at}`, null, values(at)),
    ),
  );
  assert.is(new Set(sealed.map(({ keyId }) => keyId)).size, count);
  assert.is(new Set(sealed.map(({ newText }) => newText)).size, count);
  for (const [at, { keyId, newText, fields }] of sealed.entries()) {
    const key = createSecretKey(newText as string, 'base64url');
    const opened = ['source', 'clientId', 'context'].map((name, place) => {
      const text = fields[place] ?? null;
      assert.is(text === null ? keyId : keyIdOf(text), keyId);
      return text === null ? null : openField(key, `press-${at}`, name, text);
    });
    assert.equal(opened, values(at));
  }
}

test('fields of new clients of one turn are sealed by the thread, each client with a key of its own', async (context) => {
  const { byThread, asked } = await begun(context);
  await sealedAtOnce(byThread, cryptoTogetherMin);
  assert.equal(asked.slice(1), [cryptoTogetherMin]);
});

test('fields are sealed all the same where few are wanted, or there is no thread, or it ends', async (context) => {
  await sealedAtOnce(new CryptoInThread(), cryptoTogetherMin);
  const { byThread } = await begun(context);
  await sealedAtOnce(byThread, 1);
  endNextThread();
  await sealedAtOnce(byThread, cryptoTogetherMin);
  await sealedAtOnce(byThread, cryptoTogetherMin);
});

test('what is no JSON value is sealed nowhere', async (context) => {
  const { byThread } = await begun(context);
  const personal = createPersonal(createVault(memoryStore()), { thread: byThread });
  const sealing = Promise.resolve(personal.sealed('press-1', null, [undefined, null, null]));
  const reason = await sealing.then(() => '', String);
  assert.match(reason, /no JSON value/);
});

test.run();
