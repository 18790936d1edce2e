/** A data folder that an older Gatebook wrote opens: rows are made anew, and its checkpoints fit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../../src/cli/run.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { startService } from '../../../src/main.ts';
import { rebuildReadModels } from '../../../src/startup/read-models.ts';
import { runProgram } from '../../support/program.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('upgrade');

/** Written by commit 042b171 of 2026-11-24, with rows and keys as they were then. */
const written = fileURLToPath(new URL('../../support/old-data/2026-11-24.tar.gz', import.meta.url));
const checkpointThen = `gatebook/faa16c20-33a4-4188-99da-8af3d5b63d37
16
QBYJcND1Yt16ektj+bw4qzUH8XJEZMsBeS5Abed6hsk=

— gatebook/faa16c20-33a4-4188-99da-8af3d5b63d37 6VAHkDyU34fJi0azkYRVZigMTigt1nB1vRFv/S+PtJFkVrAoekZTaWp0yzkxWGtr6dfcAxTIl8YIcw8QNUisPoUqrgE=
`;
const keyThen =
  'gatebook/faa16c20-33a4-4188-99da-8af3d5b63d37+e9500790+AX2v38OHTOP6cN687/KSVob0o99o1qzRCw1Kh0pDJ7aA';

test('a folder of November 2026: who had access has it, who waited waits, and the history is whole', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatebook-old-'));
  assert.is((await runProgram('tar', ['-xzf', written, '-C', dataDir])).code, 0);
  const config = parseConfig({
    ...{ GATEBOOK_HTTP_PORT: '0', GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: 'off' },
    ...{ GATEBOOK_MQTT_PORT: '0', GATEBOOK_MQTT_WS_PORT: '0', GATEBOOK_DATA_DIR: dataDir },
    // Those that were denied are told so for as long as this.
    GATEBOOK_REFUSED_TTL: '36500d',
  });
  const service = await startService(
    config,
    createLogger({ level: 'error', write: () => undefined }),
  );
  const url = service.ready.http;
  const post = (path: string, body: object, token?: string) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
  try {
    const login = await post('/api/login', {
      username: 'admin',
      password: 'correct horse battery staple',
    });
    assert.is(login.status, 200);
    const { token } = (await login.json()) as { token: string };
    const get = async (path: string) =>
      await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
    const door = async (username: string) =>
      (
        await post('/api/client-registry/register', {
          username,
          password: `a password of ${username}`,
        })
      ).status;
    assert.equal(
      [await door('press-1'), await door('press-2'), await door('press-3')],
      [201, 403, 202],
    );
    const ada = (await (await get('/api/users/ada')).json()) as { status: string };
    assert.is(ada.status, 'suspended');
    const request = (await (await get('/api/client-registry/requests?q=press-3')).json()) as {
      items: { context: unknown }[];
    };
    assert.equal(request.items[0]?.context, { model: 'S7' }, 'personal fields open');

    const log = join(dataDir, 'log.ndjson');
    writeFileSync(log, await (await get('/api/audit/export')).text());
    writeFileSync(join(dataDir, 'then.txt'), checkpointThen);
    let output = '';
    const out = { write: (text: string) => (output += text) };
    const args = ['verify', log, '--checkpoint', join(dataDir, 'then.txt'), '--key', keyThen];
    assert.is(await runCommandLine(args, {}, { stdout: out, stderr: out }), 0, output);
    assert.match(output, /Whole and untouched: \d+ events/);
  } finally {
    await service.stop();
  }
  const { before, stateHash } = await rebuildReadModels(config, () => undefined);
  assert.is(before, stateHash, 'rows that were brought up to date are those of a rebuild');
  rmSync(dataDir, { recursive: true });
});

test.run();
