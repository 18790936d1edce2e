/** kill -9 after the log's commit and before that of the rows: the next start sees what the log has, once. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { newName, registerPath, strong } from '../support/door.ts';
import { connected } from '../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 between log and rows');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const preload = pathToFileURL(join(import.meta.dirname, '../support/killed-at-rows.ts')).href;
const markOf = (dataDir: string) => join(dataDir, 'kill-at-rows');

const startsWithTrap = (dataDir: string) =>
  serve(dataDir, { NODE_OPTIONS: `--import=${preload}`, KILLED_AT_ROWS: markOf(dataDir) });

/** What the files say, with nobody serving them. */
function filesOf(dataDir: string) {
  const one = (file: string, sql: string) => {
    const database = new DatabaseSync(join(dataDir, file), { readOnly: true });
    try {
      return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
    } finally {
      database.close();
    }
  };
  return {
    log: one('log.sqlite', 'SELECT max(place) FROM events'),
    rows: one('read-models.sqlite', 'SELECT max(CAST(position AS INTEGER)) FROM models'),
  };
}

/** Does something that is killed on its way to the rows; an answer may have come before. */
async function killedAtRows(
  dataDir: string,
  served: Served,
  act: () => Promise<{ status: number }>,
): Promise<void> {
  await writeFile(markOf(dataDir), '');
  const [outcome] = await Promise.allSettled([act()]);
  if (outcome.status === 'fulfilled') assert.ok(outcome.value.status < 300);
  assert.is(await served.ended, null, 'it was killed');
  const { log, rows } = filesOf(dataDir);
  assert.ok(rows < log, `the log is at ${log}, the rows at ${rows}`);
  for (const mark of [markOf(dataDir), `${markOf(dataDir)}.logged`]) await rm(mark);
}

const typesOf = async (served: Served, token: string, username: string): Promise<string[]> => {
  const { body } = await served.call('GET', `/api/audit/events?username=${username}`, { token });
  return body.items.map(({ type }: { type: string }) => type).reverse();
};

test('a request, its grant and its revocation are each there after the next start, once', async ({
  dataDir,
}) => {
  const login = { username: newName('between'), password: strong() };
  let served = await startsWithTrap(dataDir);
  const token = await served.signIn();
  const unlock = { token, body: {} };
  assert.is((await served.call('POST', '/api/client-registry/unlock', unlock)).status, 200);

  await killedAtRows(dataDir, served, () => served.call('POST', registerPath, { body: login }));
  served = await startsWithTrap(dataDir);
  assert.equal(await typesOf(served, token, login.username), ['RegistrationRequested']);
  const again = await served.call('POST', registerPath, { body: login });
  assert.is(again.status, 202);
  const wrong = { ...login, password: strong() };
  await served.call('POST', registerPath, { body: wrong });

  const grant = `/api/client-registry/requests/${again.body.requestId}/grant`;
  const confirmed = { token, body: { confirmContested: true } };
  await killedAtRows(dataDir, served, () => served.call('POST', grant, confirmed));
  served = await startsWithTrap(dataDir);
  assert.is((await served.call('POST', registerPath, { body: login })).status, 201);
  const session = { ...login, clientId: login.username };
  const live = await connected(served.mqttPort, session);
  assert.is(live.code, 0);
  live.end();

  const revoke = `/api/users/${login.username}/revoke`;
  await killedAtRows(dataDir, served, () => served.call('POST', revoke, { token, body: {} }));
  served = await startsWithTrap(dataDir);
  const refused = await connected(served.mqttPort, session);
  assert.is(refused.code, 5);
  refused.end();
  assert.is((await served.call('POST', registerPath, { body: login })).status, 410);
  assert.equal(
    (await typesOf(served, token, login.username)).filter((type) => /^(Reg|Access)/.test(type)),
    ['RegistrationRequested', 'RegistrationContested', 'RegistrationGranted', 'AccessRevoked'],
  );
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
  const { log, rows } = filesOf(dataDir);
  assert.is(rows, log);
});

test.run();
