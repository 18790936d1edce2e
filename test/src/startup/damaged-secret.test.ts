/** A secret whose text is damaged is told where somebody needs it; the service starts, and lets in whoever else comes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ dataDir: string }>('damaged secret');
test.before.each(async (context) => {
  context.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const passwordOf = (username: string) => `0123456789abcdef0123456789abcdef-${username}`;

test('a verifier that cannot be read keeps nobody else out', async ({ dataDir }) => {
  const before = await serve(dataDir);
  const token = await before.signIn();
  for (const username of ['whole', 'damaged']) {
    const body = { username, password: passwordOf(username) };
    assert.is((await before.call('POST', '/api/users', { token, body })).status, 201);
  }
  before.kill('SIGTERM');
  assert.is(await before.ended, 0);
  const log = new DatabaseSync(join(dataDir, 'log.sqlite'));
  const damage = `UPDATE vault SET data = '{}' WHERE data LIKE '%"verifier"%' AND data LIKE '%"damaged"%'`;
  assert.is(Number(log.prepare(damage).run().changes), 1);
  log.close();

  const served = await serve(dataDir);
  const login = async (username: string) => {
    const body = { username, password: passwordOf(username) };
    return (await served.call('POST', '/api/login', { body })).status;
  };
  assert.is(await login('whole'), 200);
  assert.is(await login('damaged'), 500);
  assert.is(await login('whole'), 200);
  assert.match(served.output.out, '"A verifier could not be read before it is needed"');
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
});

test.run();
