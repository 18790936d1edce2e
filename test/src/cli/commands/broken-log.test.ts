/** A log whose file is broken in the middle: what the export says, and what the service does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { exportBatchMax } from '../../../../src/limits/audit.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, type Running } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; service: Running }>('cli broken log');

/** Events of roles: enough for one portion of an export, and a second one. */
const roles = exportBatchMax + 200;

async function made({ environment }: Gatebook): Promise<void> {
  const call = async (method: string, path: string, body: object, token = '') => {
    const response = await fetch(`${environment.GATEBOOK_URL}${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return (await response.json()) as { token: string };
  };
  const who = { username: 'admin', password: adminPassword };
  const { token } = await call('POST', '/api/login', who);
  for (let at = 0; at < roles; at += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, more) =>
        call('PUT', `/api/roles/role-${at + more}`, { permissions: [] }, token),
      ),
    );
}

/** Changes one bit in the file: what kind of page the row of a role stands on. */
function breakPageOf(role: string, file: string): void {
  const database = new DatabaseSync(file, { readOnly: true });
  const pageBytes = Number(Object.values(database.prepare('PRAGMA page_size').get() ?? {})[0]);
  database.close();
  const bytes = readFileSync(file);
  const offset = bytes.indexOf(`"name":"${role}"`);
  assert.ok(offset > 0);
  const page = Math.floor(offset / pageBytes) * pageBytes;
  assert.is(bytes[page], 0x0d, 'a leaf of a table');
  bytes[page] = 0x0c;
  writeFileSync(file, bytes);
}

test.before(async (context) => {
  const gate = gatebook();
  context.gate = gate;
  const whole = await gate.serve();
  await made(gate);
  whole.child.kill('SIGTERM');
  assert.is((await whole.ended).exitCode, 0);
  breakPageOf(`role-${roles - 100}`, join(gate.folder, 'data', 'log.sqlite'));
  context.service = await gate.serve();
  Object.assign(gate.environment, {
    GATEBOOK_USERNAME: 'admin',
    GATEBOOK_PASSWORD: adminPassword,
  });
});
test.after(({ gate }) => gate.clean());

test('an export that breaks off keeps what came, counts it, and tells nobody to start the registry', async ({
  gate,
  service,
}) => {
  const file = join(gate.folder, 'log.ndjson');
  const { exitCode, stderr } = await gate.call('export', '--out', file);
  assert.is(exitCode, 5);
  assert.match(stderr, `The export broke off; ${file} holds ${exportBatchMax} events.\n`);
  assert.not.match(stderr, /Is it running/);
  assert.is(readFileSync(file, 'utf8').split('\n').length, exportBatchMax + 1);
  const line = JSON.parse(await service.says('An export broke off'));
  assert.equal([line.level, line.from], ['error', 0]);
  assert.match(line.error.message, /database disk image is malformed/);
});

test('where it breaks off again it is said before anything is answered', async ({ gate }) => {
  const again = await gate.call('export', '--out', join(gate.folder, 'log.ndjson'), '--json');
  assert.is(again.exitCode, 5);
  assert.is(JSON.parse(again.stderr).code, 'store-unavailable');
});

test.run();
