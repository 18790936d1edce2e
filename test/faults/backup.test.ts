/** kill -9 in the middle of a backup and of a restore: nothing is taken for whole that is not. */
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkedBackup } from '../../src/backup/encrypt.ts';
import { unlockWith } from '../../src/backup/passphrase.ts';
import { createLogger } from '../../src/logger.ts';
import { restoreBackup } from '../../src/main.ts';
import { keepDataFolder } from '../../src/startup/data-folder.ts';
import { LogNotLive } from '../../src/store/errors.ts';
import { openStore } from '../../src/store/open.ts';
import { gatebook } from '../src/cli/gatebook.ts';
import { backupBytes, bytesOf, chunksOf, smallLog } from '../support/backups.ts';
import { runProgram } from '../support/program.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('faults: backups');
const it = gatebook();
// Frames of 100 events: enough for several.
const bytes = await backupBytes(await smallLog(450), { keyFiles: null });
const half = bytes.subarray(0, Math.floor(bytes.length / 2));

test.after(() => it.clean());

/** A registry that sends half a backup, and then `after`. */
async function halfway(after: (end: () => void) => void) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
    response.write(half, () => after(() => response.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, close };
}

test('a backup whose service is killed is not written, and the exit code says so', async () => {
  const server = await halfway((end) => end());
  const file = join(it.folder, 'service-killed.backup');
  const { exitCode, stderr } = await it.call(
    ...['backup', '--out', file, '--url', server.url, '--token', `v4.public.${'x'.repeat(90)}`],
  );
  server.close();
  assert.is(exitCode, 5, stderr);
  assert.equal(readdirSync(it.folder), []);
});

test('a backup that is killed leaves no file of that name', async () => {
  const sent = Promise.withResolvers<void>();
  const server = await halfway(() => sent.resolve());
  const file = join(it.folder, 'killed.backup');
  const running = it.start([
    ...['backup', '--out', file, '--url', server.url, '--token', `v4.public.${'x'.repeat(90)}`],
  ]);
  await sent.promise;
  while (readdirSync(it.folder).length === 0) await sleep(20);
  running.child.kill('SIGKILL');
  await running.ended;
  server.close();
  assert.not.ok(existsSync(file));
});

test('no service starts on a restore that was killed, and the same restore again makes it whole', async () => {
  const pipe = join(it.folder, 'pipe');
  assert.is((await runProgram('mkfifo', [pipe])).code, 0);
  const dataDir = join(it.folder, 'restored');
  // With a passphrase given nobody looks into the file before it is read.
  const passphrase = 'words that nobody guesses';
  it.environment.GATEBOOK_PASSPHRASE = passphrase;
  const sealed = await bytesOf(checkedBackup(chunksOf(bytes), passphrase));
  const running = it.start(['restore', pipe, '--data-dir', dataDir]);
  const feeding = await open(pipe, 'w');
  await feeding.write(sealed.subarray(0, Math.floor(sealed.length / 2)));
  const draft = join(dataDir, '.restoring', 'log.sqlite');
  while (!existsSync(draft)) await sleep(20);
  running.child.kill('SIGKILL');
  await running.ended;
  await feeding.close();

  const logger = createLogger({ level: 'error', write: () => undefined });
  assert.throws(
    () => keepDataFolder(dataDir, logger),
    (error: Error) => error instanceof LogNotLive && /restore .* has not ended/.test(error.message),
  );
  const restored = await restore(dataDir);
  assert.is(restored.end.events, 450);
  keepDataFolder(dataDir, logger);
});

test('nor on one that was killed while it was put in its place', async () => {
  const dataDir = join(it.folder, 'moving');
  await restore(dataDir);
  // As it is from the moment the log is there to the last of what stands beside it.
  const store = await openStore({ store: 'sqlite', dataDir }, { purpose: 'copy' });
  await store.setState('filling');
  await store.close();
  it.environment.GATEBOOK_DATA_DIR = dataDir;
  const { exitCode, stderr } = await it.call('rebuild');
  assert.is(exitCode, 1);
  assert.match(stderr, /has not ended: .*empty the folder and restore again/);
});

const restore = (dataDir: string) =>
  restoreBackup({
    ...{ chunks: chunksOf(bytes), unlock: unlockWith(null), verifier: null, dataDir },
    ...{ keysDir: join(dataDir, 'keys'), onProgress: () => undefined },
    signal: new AbortController().signal,
  });

test.run();
