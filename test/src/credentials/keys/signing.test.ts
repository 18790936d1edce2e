/** Keys of tokens rotate with overlap, on one node and on several. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotateKeyRing } from '../../../../src/credentials/keys/signing.ts';
import { assert, suite } from '../../../support/suite.ts';
import { afterMs, claims, hourMs, node, start } from '../token-world.ts';

const test = suite('tokens', { dir: '', at: start });
test.before.each((world) => {
  world.dir = mkdtempSync(join(tmpdir(), 'gatebook-tokens-'));
  world.at = start;
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true }));

test('rotation: the old key verifies until its end, then it is gone with its file', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  const before = tokens.publicKeys();
  assert.equal(
    before.map(({ use, until }) => [use, until]),
    [['sign', null]],
  );

  const until = afterMs(hourMs / 2);
  await tokens.rotate({ until });
  const fresh = await tokens.sign(claims);
  const during = tokens.publicKeys();
  assert.equal(
    during.map((key) => [key.use, key.until]),
    [
      ['sign', null],
      ['verify', until],
    ],
  );
  assert.is(during[1]?.kid, before[0]?.kid);
  assert.is(during[1]?.key, before[0]?.key);
  assert.is.not(during[0]?.kid, before[0]?.kid);
  assert.ok(await tokens.verify(old, 'gatebook'));
  assert.ok(await tokens.verify(fresh, 'gatebook'));

  world.at = until;
  assert.is(await tokens.verify(old, 'gatebook'), null);
  assert.ok(await tokens.verify(fresh, 'gatebook'));
  assert.equal(
    tokens.publicKeys().map(({ kid }) => kid),
    [during[0]?.kid ?? ''],
  );
  assert.equal(readdirSync(world.dir).sort(), ['paseto-0002.json', 'pepper.key']);
  const restarted = await node(world);
  assert.is(await restarted.verify(old, 'gatebook'), null);
  assert.ok(await restarted.verify(fresh, 'gatebook'));
});

test('after a rotation the secret half of the old key is nowhere', async (world) => {
  const tokens = await node(world);
  const secretOf = (name: string) =>
    /k4\.secret\.[\w-]+/.exec(readFileSync(join(world.dir, name), 'utf8'))?.[0];
  const old = secretOf('paseto-0001.json');
  assert.ok(old);
  await tokens.rotate({ until: afterMs(hourMs) });
  for (const name of readdirSync(world.dir)) assert.is.not(secretOf(name), old, name);
  assert.ok(secretOf('paseto-0002.json'));
});

test('a rotation without overlap ends the old tokens at once', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  assert.ok(await tokens.verify(old, 'gatebook'));
  await tokens.rotate({ until: start });
  assert.is(await tokens.verify(old, 'gatebook'), null);
});

test('another node’s rotation: its tokens are known, and its end of the old key counts', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await one.sign(claims);
  assert.ok(await other.verify(old, 'gatebook'));

  world.at = afterMs(1_000);
  await one.rotate({ until: afterMs(2_000) });
  const fresh = await one.sign(claims);
  assert.ok(await other.verify(fresh, 'gatebook'));
  assert.equal(other.publicKeys(), one.publicKeys());
  world.at = afterMs(2_000);
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('another node signs with the new key a second later', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await other.sign(claims);
  await one.rotate({ until: start });
  world.at = afterMs(1_000);
  assert.ok(await one.verify(await other.sign(claims), 'gatebook'));
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('a node that only verifies hears of the old key’s end within ten seconds', async (world) => {
  const one = await node(world);
  const other = await node(world);
  const old = await other.sign(claims);
  await one.rotate({ until: start });
  world.at = afterMs(10_000);
  assert.is(await other.verify(old, 'gatebook'), null);
});

test('unknown keys make nobody look into the folder more than once a second', async (world) => {
  const faults: unknown[] = [];
  const tokens = await node(world, { onFault: (error) => faults.push(error) });
  const good = await tokens.sign(claims);
  const strangers = mkdtempSync(join(tmpdir(), 'gatebook-strangers-'));
  const stranger = await (await node({ dir: strangers, at: start })).sign(claims);
  rmSync(strangers, { recursive: true });

  // Every look meets this file, so the faults count the looks.
  writeFileSync(join(world.dir, 'paseto-0002.json'), 'k4.secret.marker', { mode: 0o600 });
  world.at = afterMs(999);
  for (let time = 0; time < 20; time += 1) {
    assert.is(await tokens.verify(stranger, 'gatebook'), null);
  }
  assert.is(faults.length, 0);
  world.at = afterMs(1_000);
  await Promise.all(Array.from({ length: 20 }, () => tokens.verify(stranger, 'gatebook')));
  for (let time = 0; time < 20; time += 1) await tokens.verify(stranger, 'gatebook');
  assert.is(faults.length, 1);
  assert.not(String(faults[0]).includes('marker'));
  assert.ok(await tokens.verify(good, 'gatebook'), 'the keys already read stay in use');
});

test('two nodes that rotate at once make one new key', async (world) => {
  const [one, other] = [await node(world), await node(world)];
  const until = afterMs(hourMs);
  await Promise.all([one.rotate({ until }), other.rotate({ until })]);
  assert.equal(one.publicKeys()[0], other.publicKeys()[0]);
  assert.ok(await one.verify(await other.sign(claims), 'gatebook'));
  assert.ok(await other.verify(await one.sign(claims), 'gatebook'));
});

test('a rotation that was cut off is finished by the next start', async (world) => {
  const tokens = await node(world);
  const old = await tokens.sign(claims);
  const path = join(world.dir, 'paseto-0001.json');
  const before = readFileSync(path, 'utf8');
  const until = afterMs(hourMs);
  await rotateKeyRing(world.dir, start, until);
  writeFileSync(path, before);

  const restarted = await node(world);
  assert.equal(
    restarted.publicKeys().map((key) => [key.use, key.until]),
    [
      ['sign', null],
      ['verify', until],
    ],
  );
  assert.ok(await restarted.verify(old, 'gatebook'));
  assert.not(readFileSync(path, 'utf8').includes('k4.secret'));
});

test.run();
