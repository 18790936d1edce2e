/** A backup of a running registry, restored: what is there, what is not any more, and what an auditor is told. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkedBackup } from '../../../src/backup/encrypt.ts';
import { unlockWith } from '../../../src/backup/passphrase.ts';
import { BackupRefused } from '../../../src/backup/refused.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { restoreBackup, startService } from '../../../src/main.ts';
import { rebuildReadModels } from '../../../src/startup/read-models.ts';
import { bytesOf, chunksOf } from '../../support/backups.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('backup of a running registry');
const folder = await mkdtemp(join(tmpdir(), 'gatebook-backup-'));
const inFolder = (name: string) => join(folder, name);
let world: World;

async function backupOf(registry: World, body: object = {}) {
  const response = await fetch(`${registry.url}/api/backup`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${registry.token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.is(response.status, 200, await (response.status === 200 ? '' : response.text()));
  return Buffer.from(await response.arrayBuffer());
}

const restore = (bytes: Buffer, dataDir: string, passphrase: string | null = null) =>
  restoreBackup({
    ...{
      chunks: chunksOf(bytes, 100_000),
      unlock: unlockWith(passphrase),
      verifier: null,
      dataDir,
    },
    ...{ keysDir: join(dataDir, 'keys'), onProgress: () => undefined },
    signal: new AbortController().signal,
  });

const configOf = (dataDir: string) =>
  parseConfig({
    ...{ GATEBOOK_HTTP_PORT: '0', GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: 'off' },
    ...{ GATEBOOK_MQTT_PORT: '0', GATEBOOK_MQTT_WS_PORT: '0', GATEBOOK_DATA_DIR: dataDir },
    GATEBOOK_KEYS_DIR: join(dataDir, 'keys'),
  });

/** One command line, and what it printed. */
async function gatebook(args: readonly string[], environment: Record<string, string> = {}) {
  let output = '';
  const out = { write: (text: string) => (output += text) };
  const code = await runCommandLine(args, environment, { stdout: out, stderr: out });
  return { code, output };
}

const create = async (registry: World, username: string, password = 'a password of it') => {
  const { status } = await registry.call('POST', '/api/users', { body: { username, password } });
  assert.is(status, 201);
};

const save = (name: string, text: string | Buffer): string => {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
};

const textAt = async (url: string, token: string | null, path: string) =>
  (
    await fetch(`${url}${path}`, {
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    })
  ).text();

/** The restored registry, run for as long as it is looked at. */
async function running<Result>(
  dataDir: string,
  look: (at: { url: string; signIn: () => Promise<string>; lines: string[] }) => Promise<Result>,
): Promise<Result> {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const service = await startService(configOf(dataDir), logger);
  const url = service.ready.http as string;
  const signIn = async () => {
    const response = await fetch(`${url}/api/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: adminPassword }),
    });
    assert.is(response.status, 200);
    return ((await response.json()) as { token: string }).token;
  };
  try {
    return await look({ url, signIn, lines });
  } finally {
    await service.stop();
  }
}

test.before(async () => {
  world = await startRegistry();
});
test.after(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

test('taken under load, restored: rows equal a rebuild, checkpoints of before fit, of after are a gap', async () => {
  for (let number = 0; number < 5; number++) await create(world, `before-${number}`);
  await world.call('POST', '/api/client-registry/unlock', { body: { durationMs: 3_600_000 } });
  const before = save('before.txt', await textAt(world.url, world.token, '/api/audit/checkpoint'));
  const oldKey = save('old-key.txt', await textAt(world.url, null, '/.well-known/checkpoint-key'));

  // Under load: what is acknowledged before the backup began is in it, what comes meanwhile whole or not at all.
  let isOver = false;
  let made = 0;
  const load = (async () => {
    for (; !isOver; made++)
      await create(world, `meanwhile-${made}`, `gbs_${'x'.repeat(40)}${made}`);
  })();
  const bytes = await backupOf(world);
  isOver = true;
  await load;
  for (let number = 0; number < 20; number++) await create(world, `after-${number}`);
  const later = save('later.txt', await textAt(world.url, world.token, '/api/audit/checkpoint'));

  const dataDir = inFolder('restored');
  const restored = await restore(bytes, dataDir);
  assert.is(restored.wasUnlocked, true);
  assert.ok(restored.tokensRevoked >= 1);
  assert.is(statSync(join(dataDir, 'log.sqlite')).mode & 0o777, 0o600);
  assert.is(statSync(join(dataDir, 'keys', 'pepper.key')).mode & 0o777, 0o600);
  assert.not.ok(existsSync(join(dataDir, '.restoring')));

  const log = inFolder('restored.ndjson');
  const newCheckpoint = await running(dataDir, async ({ url, signIn }) => {
    const token = await signIn();
    const locked = JSON.parse(await textAt(url, token, '/api/client-registry'));
    assert.is(locked.status, 'locked');
    const users = JSON.parse(await textAt(url, token, '/api/users?limit=1000')).items as {
      username: string;
    }[];
    const names = users.map(({ username }) => username);
    for (let number = 0; number < 5; number++) assert.ok(names.includes(`before-${number}`));
    assert.not.ok(names.some((name) => name.startsWith('after-')));
    // The token of before, whose key and whose row are gone.
    assert.is(
      (await fetch(`${url}/api/whoami`, { headers: { Authorization: `Bearer ${world.token}` } }))
        .status,
      401,
    );
    save('restored.ndjson', await textAt(url, token, '/api/audit/export'));
    save('new-key.txt', await textAt(url, null, '/.well-known/checkpoint-key'));
    return await textAt(url, token, '/api/audit/checkpoint');
  });
  const rebuilt = await rebuildReadModels(configOf(dataDir), () => undefined);
  assert.is(rebuilt.before, rebuilt.stateHash);

  const verify = (checkpoint: string, ...keys: string[]) =>
    gatebook([
      ...['verify', log, '--checkpoint', checkpoint],
      ...keys.flatMap((key) => ['--key', key]),
    ]);
  const held = await verify(before, oldKey);
  assert.is(held.code, 0, held.output);
  const gap = await verify(later, oldKey);
  assert.is(gap.code, 1);
  assert.match(
    gap.output,
    new RegExp(`Event ${restored.end.events} says that on .* put back to a backup`),
  );
  assert.match(gap.output, /at least \d+ that followed are lost/);
  // Under the old name nothing is signed any more; both names together are verified with both keys.
  const now = save('now.txt', newCheckpoint);
  assert.match(newCheckpoint, /^gatebook\/[0-9a-f-]+\/restored-[0-9a-f]{8}\n/);
  assert.is((await verify(now, oldKey)).code, 1);
  assert.is((await verify(now, inFolder('new-key.txt'))).code, 0);
  save('both.txt', `${await readFile(before, 'utf8')}\n${newCheckpoint}`);
  assert.is((await verify(inFolder('both.txt'), oldKey, inFolder('new-key.txt'))).code, 0);
});

test('a checkpoint of after a restore that does not fit is no gap of that restore', async () => {
  const [restored] = [await readFile(inFolder('restored.ndjson'), 'utf8')];
  const cut = save('cut.ndjson', `${restored.trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
  const { code, output } = await gatebook([
    ...['verify', cut, '--checkpoint', inFolder('now.txt'), '--key', inFolder('new-key.txt')],
  ]);
  assert.is(code, 1);
  assert.not.match(output, /put back/);
});

test('who took it is in the history, and in the backup', async () => {
  const bytes = await backupOf(world, { withoutKeys: true });
  const { body } = await world.call('GET', '/api/audit/events?type=BackupTaken&limit=1');
  assert.equal(body.items[0].actor, { kind: 'user', name: 'admin' });
  assert.is(body.items[0].data.withKeys, false);
  const dataDir = inFolder('without-keys');
  const { verifierKey, end } = await restore(bytes, dataDir);
  assert.is(verifierKey, null);
  assert.is(end.backupId, body.items[0].data.backupId);
  assert.not.ok(existsSync(join(dataDir, 'keys')));
  assert.not.ok(bytes.includes('paseto'));
});

test('also where the keys are put beside it, no token of before opens a restored registry', async () => {
  const dataDir = inFolder('own-keys');
  await restore(await backupOf(world, { withoutKeys: true }), dataDir);
  await cp(join(world.dataDir, 'keys'), join(dataDir, 'keys'), { recursive: true });
  const { status } = await world.call('GET', '/api/whoami');
  assert.is(status, 200, 'it opens the one that runs on');
  await running(dataDir, async ({ url, signIn }) => {
    const before = await fetch(`${url}/api/whoami`, {
      headers: { Authorization: `Bearer ${world.token}` },
    });
    assert.is(before.status, 401);
    await signIn();
  });
});

test('it is restored into an empty folder alone, and refused without a trace', async () => {
  const bytes = await backupOf(world);
  const dataDir = inFolder('refused');
  const turned = Buffer.from(bytes);
  turned[bytes.length - 40] = (turned[bytes.length - 40] ?? 0) ^ 1;
  for (const bad of [turned, bytes.subarray(0, -10), Buffer.from('no backup at all\n')]) {
    await restore(bad, dataDir).then(
      () => assert.unreachable('a damaged backup was restored'),
      (error) => assert.instance(error, BackupRefused),
    );
    assert.not.ok(existsSync(dataDir), 'nothing is left behind');
  }
  writeFileSync(inFolder('taken'), '');
  const { code, output } = await gatebook([
    ...['restore', save('one.backup', bytes), '--data-dir', folder],
  ]);
  assert.is(code, 2);
  assert.match(output, /is not empty/);
});

test('encrypted, it is restored with its passphrase, and the command line says what it means', async () => {
  const passphrase = 'seven words that nobody guesses';
  const bytes = await bytesOf(checkedBackup(chunksOf(await backupOf(world)), passphrase));
  const file = save('sealed.backup', bytes);
  const dataDir = inFolder('sealed');
  const wrong = await gatebook(['restore', file, '--data-dir', dataDir], {
    GATEBOOK_PASSPHRASE: 'another one',
  });
  assert.is(wrong.code, 1);
  assert.match(wrong.output, /this is not its passphrase/);
  assert.not.ok(existsSync(dataDir));
  save('passphrase', `${passphrase}\n`);
  const { code, output } = await gatebook([
    ...['restore', file, '--data-dir', dataDir, '--passphrase-file', inFolder('passphrase')],
    ...['--key', inFolder('old-key.txt')],
  ]);
  assert.is(code, 0, output);
  for (const words of [
    /no\w* does any more/,
    /works again as it stood then/,
    /LogRestored/,
    /new name/,
  ])
    assert.match(output, words);
});

test('who gives a passphrase is given nothing that was not encrypted with it', async () => {
  const file = save('plain.backup', await backupOf(world));
  const dataDir = inFolder('not-encrypted');
  save('passphrase', 'seven words that nobody guesses\n');
  for (const [args, environment] of [
    [['--data-dir', dataDir, '--passphrase-file', inFolder('passphrase')], {}],
    [['--check'], { GATEBOOK_PASSPHRASE: 'seven words that nobody guesses' }],
  ] as const) {
    const { code, output } = await gatebook(['restore', file, ...args], environment);
    assert.is(code, 2, output);
    assert.match(
      output,
      /a passphrase was given, and it is not encrypted\. Nothing was written\.\n/,
    );
    assert.match(output, /exchanged it.* give none/);
    assert.not.ok(existsSync(dataDir));
  }
  assert.is((await gatebook(['restore', file, '--check'])).code, 0);
});

test('the command line takes one whole, with mode 0600, and overwrites nothing', async () => {
  const environment = { GATEBOOK_URL: world.url, GATEBOOK_TOKEN: world.token };
  const file = inFolder('cli.backup');
  const taken = await gatebook(['backup', '--out', file], environment);
  assert.is(taken.code, 0, taken.output);
  assert.match(taken.output, /is not encrypted/);
  assert.is(statSync(file).mode & 0o777, 0o600);
  assert.is((await gatebook(['restore', file, '--check'])).code, 0);
  const again = await gatebook(['backup', '--out', file], environment);
  assert.is(again.code, 2);
  assert.match(again.output, /is there already, and nothing is overwritten/);
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
  const asked = { ...environment, GATEBOOK_TOKEN: 'nobody is asked with it' };
  for (const [out, words] of [
    [file, /is there already/],
    [inFolder('none/cli.backup'), /there is no folder .*none\.\nMake the folder/],
    [join(file, 'x'), /is no folder/],
  ] as const) {
    const { code, output } = await gatebook(['backup', '--out', out], asked);
    assert.is(code, 2);
    assert.match(output, words);
  }
  const weak = await gatebook(['backup', '--out', inFolder('weak'), '--encrypt'], {
    ...environment,
    GATEBOOK_PASSPHRASE: 'short',
  });
  assert.is(weak.code, 2);
});

test.run();
