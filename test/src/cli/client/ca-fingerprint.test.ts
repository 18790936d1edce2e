/** The command line over TLS: nothing is trusted but the CA with the given fingerprint. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../../support/program.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World; fingerprint: string }>('command line: CA fingerprint');
test.before(async (here) => {
  here.world = await startRegistry();
  const pem = await readFile(join(here.world.dataDir, 'keys', 'ca.pem'));
  here.fingerprint = new X509Certificate(pem).fingerprint256;
});
test.after(({ world }) => world.stop());

const program = new URL('../../../../bin/gatebook.js', import.meta.url).pathname;

const requests = (world: World, ...more: string[]) =>
  runProgram(process.execPath, [program, 'requests', '--json', ...more], {
    GATEBOOK_URL: world.running.ready.https as string,
    GATEBOOK_TOKEN: world.token,
    NODE_NO_WARNINGS: '1',
  });

test('the right one opens, however it is written', async ({ world, fingerprint }) => {
  for (const text of [fingerprint, fingerprint.replaceAll(':', '').toLowerCase()]) {
    const { code, output } = await requests(world, '--ca-fingerprint', text);
    assert.is(code, 0, output);
    assert.match(output, '"items"');
  }
});

test('without it, or with another, nothing is sent', async ({ world, fingerprint }) => {
  const without = await requests(world);
  assert.is(without.code, 5);
  assert.match(without.output, 'is not trusted');
  assert.match(without.output, '--ca-fingerprint');
  const other = await requests(world, '--ca-fingerprint', 'ab'.repeat(32));
  assert.is(other.code, 4);
  assert.match(other.output, 'Nothing was sent');
  assert.match(other.output, fingerprint.replaceAll(':', '').toLowerCase());
});

test('what is none, or goes without TLS, is a typing error', async ({ world, fingerprint }) => {
  assert.is((await requests(world, '--ca-fingerprint', 'abc')).code, 2);
  const plain = await requests(world, '--ca-fingerprint', fingerprint, '--url', world.url);
  assert.is(plain.code, 2);
  assert.match(plain.output, 'https');
});

test('a name that the certificate is not for is refused', async ({ world, fingerprint }) => {
  const url = (world.running.ready.https as string).replace('127.0.0.1', '127.0.0.2');
  const { code } = await requests(world, '--ca-fingerprint', fingerprint, '--url', url);
  assert.is(code, 5);
});

test.run();
