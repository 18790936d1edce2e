/** Many tokens that are wanted together are signed by a thread: as good as any, in their order, also where the thread goes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type KeyRing, readKeyRing } from '../../../../src/credentials/keys/signing.ts';
import { SigningInThread } from '../../../../src/credentials/keys/signing-in-thread.ts';
import { signedByThreadMin } from '../../../../src/limits/credentials.ts';
import { assert, suite } from '../../../support/suite.ts';
import { afterMs, hourMs, node, start, type World } from '../token-world.ts';

const test = suite<{ world: World; signing: KeyRing['signing']; ids: string[] }>(
  'tokens signed by a thread',
);
test.before.each(async (context) => {
  context.world = { dir: await mkdtemp(join(tmpdir(), 'gatebook-signing-')), at: start };
  await node(context.world);
  context.signing = ((await readKeyRing(context.world.dir)) as KeyRing).signing;
  context.ids = Array.from({ length: signedByThreadMin }, (_, at) => `id-${at}`);
});
test.after.each(({ world }) => rm(world.dir, { recursive: true }));

const claimsOf = (jti: string) => ({
  ...{ sub: `Maschine ${jti} ä`, jti, iss: 'gatebook', aud: 'gatebook' },
  ...{ iat: start, exp: afterMs(hourMs) },
});

/** A thread that has signed something, and how many messages it was given. */
async function begun({ signing, ids }: { signing: KeyRing['signing']; ids: string[] }) {
  const thread = new SigningInThread();
  const asked: number[] = [];
  const byThread = {
    sign(toSign: Parameters<SigningInThread['sign']>[0]) {
      const signed = thread.sign(toSign);
      if (signed !== undefined) asked.push(toSign.messages.length);
      return signed;
    },
  } as SigningInThread;
  while (asked.length === 0) await signing.signAll(ids.map(claimsOf), byThread);
  return { byThread, asked };
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
  const { postMessage } = Worker.prototype;
  const { byThread } = await begun(context);
  const expected = await signing.signAll(ids.map(claimsOf));
  Worker.prototype.postMessage = function (this: Worker) {
    Worker.prototype.postMessage = postMessage;
    void this.terminate();
  };
  assert.equal(await signing.signAll(ids.map(claimsOf), byThread), expected);
  assert.equal(await signing.signAll(ids.map(claimsOf), byThread), expected);
});

test.run();
