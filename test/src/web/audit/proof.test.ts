import {
  isConsistent,
  isIncluded,
  leafHashOf,
  readCheckpoint,
  signatureHolds,
  verifierKeyOf,
} from '../../../../src/web/audit/proof.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World }>('page proofs');
test.before(async (context) => {
  context.world = await startRegistry();
  for (let at = 0; at < 9; at++)
    await context.world.call('PUT', `/api/roles/role-${at}`, { body: { permissions: [] } });
});
test.after(({ world }) => world.stop());

const read = async ({ call }: World) => {
  const note = (await call('GET', '/api/audit/checkpoint')).body as string;
  const key = (await call('GET', '/.well-known/checkpoint-key', { token: null })).body as string;
  return { note, checkpoint: readCheckpoint(note), key: verifierKeyOf(key) };
};

test('the signature of a checkpoint holds, and of none that was touched', async ({ world }) => {
  const { note, checkpoint, key } = await read(world);
  assert.ok(checkpoint && key);
  assert.is(await signatureHolds(checkpoint, key), true);
  const touched = readCheckpoint(
    note.replace(`\n${checkpoint.size}\n`, `\n${checkpoint.size + 1}\n`),
  );
  assert.is(touched && (await signatureHolds(touched, key)), false);
  const other = { ...key, publicKey: key.publicKey.map((byte) => byte ^ 1) };
  assert.is(await signatureHolds(checkpoint, other).catch(() => false), false);
  for (const text of ['', 'x', 'a\nb\n\n— c d', note.replace('— ', '')])
    assert.is(readCheckpoint(text), null);
});

test('each event of the log is proven in it, by the bytes of the export, and nowhere else', async ({
  world,
}) => {
  const { checkpoint } = await read(world);
  const size = checkpoint?.size ?? 0;
  assert.ok(size > 8);
  const lines = ((await world.call('GET', '/api/audit/export')).body as string).split('\n');
  for (let index = 0; index < size; index++) {
    const path = `/api/audit/proofs/inclusion?index=${index}&size=${size}`;
    const proof = (await world.call('GET', path)).body;
    assert.is(proof.rootHash, checkpoint?.root);
    assert.is(await isIncluded(proof), true, `event ${index}`);
    assert.is(await leafHashOf(new TextEncoder().encode(lines[index])), proof.leafHash);
    assert.is(await isIncluded({ ...proof, index: (index + 1) % size }), false);
    assert.is(await isIncluded({ ...proof, hashes: proof.hashes.slice(1) }), false);
  }
});

test('every older tree is the beginning of the newer one, and no other is', async ({ world }) => {
  const { checkpoint } = await read(world);
  const newer = { size: checkpoint?.size ?? 0, root: checkpoint?.root ?? '' };
  for (let size = 1; size <= newer.size; size++) {
    const root = (await world.call('GET', `/api/audit/proofs/inclusion?index=0&size=${size}`)).body
      .rootHash;
    const { hashes } = (
      await world.call('GET', `/api/audit/proofs/consistency?from=${size}&to=${newer.size}`)
    ).body;
    assert.is(await isConsistent({ size, root }, newer, hashes), true, `from ${size}`);
    const wrong = btoa('x'.repeat(32));
    assert.is(await isConsistent({ size, root: wrong }, newer, hashes), false);
    if (size < newer.size)
      assert.is(await isConsistent({ size, root }, { ...newer, root: wrong }, hashes), false);
  }
  assert.is(await isConsistent({ size: newer.size + 1, root: newer.root }, newer, []), false);
});

test.run();
