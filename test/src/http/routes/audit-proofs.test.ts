import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import {
  checkpointsIn,
  parseCheckpoint,
} from '../../../../src/audit/transparency-log/checkpoint.ts';
import { includes, isConsistent, leafHash } from '../../../../src/audit/transparency-log/merkle.ts';
import {
  isSignedBy,
  noteOf,
  verifierOf,
} from '../../../../src/audit/transparency-log/signed-note.ts';
import { adminPassword } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running }>('http audit proofs');
test.before(async (world) => {
  world.gatebook = await running();
  const { must, call } = world.gatebook;
  await must(200, 'POST', '/api/client-registry/unlock');
  for (const username of ['press-1', 'press-2'])
    await call('POST', '/api/client-registry/register', {
      body: { username, password: strongPassword(), context: { site: 'hall' } },
    });
});
test.after(({ gatebook }) => gatebook.stop());

const bytes = (base64: string) => Buffer.from(base64, 'base64');
const checkpoint = async ({ must, call }: Running) => {
  const key = (await call('GET', '/.well-known/checkpoint-key')).text;
  const { text, headers } = await must(200, 'GET', '/api/audit/checkpoint');
  assert.match(headers.get('content-type') ?? '', /^text\/plain/);
  assert.ok(isSignedBy(noteOf(text), verifierOf(key)));
  return { ...parseCheckpoint(noteOf(text).text), text };
};
const linesOf = async ({ must }: Running, query = '') => {
  const { text, headers } = await must(200, 'GET', `/api/audit/export${query}`);
  assert.match(headers.get('content-type') ?? '', /^application\/x-ndjson/);
  const lines = text.split('\n');
  assert.is(lines.pop(), '');
  return lines;
};

test('each line of the export is a leaf that the checkpoint includes', async ({ gatebook }) => {
  const { size, root } = await checkpoint(gatebook);
  const lines = await linesOf(gatebook);
  assert.ok(size > 3 && lines.length >= size);
  for (const [index, line] of lines.slice(0, size).entries()) {
    const { body } = await gatebook.must(
      200,
      'GET',
      `/api/audit/proofs/inclusion?index=${index}&size=${size}`,
    );
    const leaf = leafHash(Buffer.from(line));
    assert.is(body.leafHash, leaf.toString('base64'));
    assert.is(body.rootHash, root.toString('base64'));
    assert.ok(includes({ index, size, leaf, root }, body.hashes.map(bytes)));
  }
  const events = lines.map((line) => JSON.parse(line));
  assert.equal(Object.keys(events[0]), [
    'data',
    'eventId',
    'metadata',
    'revision',
    'stream',
    'type',
  ]);
  assert.not.match(lines.join('\n'), /hall|127\.0\.0\.1|argon2|hmac|v4\.public/);
});

test('an export goes on where another stopped', async ({ gatebook }) => {
  const all = await linesOf(gatebook);
  assert.equal(await linesOf(gatebook, '?from=2'), all.slice(2));
  assert.equal(await linesOf(gatebook, `?from=${all.length}`), []);
});

test('a later log begins with the earlier one', async ({ gatebook }) => {
  const first = await checkpoint(gatebook);
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
  const second = await checkpoint(gatebook);
  assert.ok(second.size > first.size);
  const { body } = await gatebook.must(
    200,
    'GET',
    `/api/audit/proofs/consistency?from=${first.size}&to=${second.size}`,
  );
  assert.ok(isConsistent(first, second, body.hashes.map(bytes)));
});

test('what lies outside the log is named', async ({ gatebook }) => {
  const { call, admin: token } = gatebook;
  for (const [path, place] of [
    ['proofs/inclusion?index=5&size=5', 'index'],
    ['proofs/inclusion?index=0&size=0', 'index'],
    ['proofs/inclusion?index=0&size=999999', 'size'],
    ['proofs/inclusion?index=-1', 'index'],
    ['proofs/inclusion?index=01', 'index'],
    ['proofs/inclusion', 'index'],
    ['proofs/consistency?from=0', 'from'],
    ['proofs/consistency?from=3&to=2', 'from'],
    ['proofs/consistency?from=1&to=999999', 'to'],
    ['export?from=999999', 'from'],
    ['export?from=x', 'from'],
  ]) {
    const got = await call('GET', `/api/audit/${path}`, { token });
    assert.equal([got.status, got.places], [400, [place]], path);
  }
});

test('an auditor may, and nobody else', async ({ gatebook }) => {
  const auditor = await gatebook.signedIn('auditor-1', { roles: ['auditor'] });
  const other = await gatebook.signedIn('registrar-1', { roles: ['registrar'] });
  for (const path of ['checkpoint', 'export', 'proofs/consistency?from=1']) {
    const seen = await gatebook.call('GET', `/api/audit/${path}`, { token: auditor });
    const refused = await gatebook.call('GET', `/api/audit/${path}`, { token: other });
    assert.equal([seen.status, refused.code], [200, 'permission-missing']);
  }
});

test('stopping publishes a checkpoint, and starting tells it to MQTT readers', async ({
  gatebook,
}) => {
  const { world } = gatebook;
  const file = join(world.dataDir, 'checkpoints.txt');
  const before = await checkpoint(gatebook);
  await world.restart();
  const [published, ...more] = checkpointsIn(readFileSync(file, 'utf8'));
  assert.equal(more, []);
  assert.ok(published && published.size >= before.size);

  const { host, port } = world.mqtt;
  const client = await connectAsync(`mqtt://${host}:${port}`, {
    username: 'admin',
    password: adminPassword,
  });
  try {
    const told = new Promise<string>((resolve) =>
      client.once('message', (_topic, payload) => resolve(payload.toString())),
    );
    await client.subscribeAsync('gatebook/registry/checkpoint');
    const { event, data } = JSON.parse(await told);
    assert.is(event, 'checkpoint.published');
    assert.is(data.note, published.written);
    assert.is(data.size, published.size);
  } finally {
    await client.endAsync();
  }
});

test.run();
