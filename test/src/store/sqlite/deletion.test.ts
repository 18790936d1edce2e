/** What is deleted from the vault of the embedded log is in no byte of its files. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { noStream } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { newEvent, newEvents, streamOf } from '../../../support/stored-events.ts';
import { assert } from '../../../support/suite.ts';
import { bytesIn, sqliteSuites } from './world.ts';

const test = sqliteSuites('sqlite deletion');

test('the bytes of a deleted stream are in no file any more', async ({ store, folder }) => {
  const secret = randomBytes(16).toString('hex');
  await store.append('vault-a', noStream, [
    newEvent({ verifier: `$argon2id$v=19$m=19456,t=2,p=1$${secret}` }),
    newEvent({ verifier: `${'x'.repeat(10_000)}${secret}` }),
  ]);
  await store.append('client-a', noStream, newEvents(1));
  assert.ok(bytesIn(folder).includes(secret), 'it was there');
  await store.deleteStream('vault-a');
  assert.not.ok(bytesIn(folder).includes(secret), 'it is gone');
  await store.close();
  assert.not.ok(bytesIn(folder).includes(secret), 'it is gone for good');
});

test('a deleted stream’s rows stay where they are, with zeros for data: no page is rearranged', async ({
  store,
  file,
}) => {
  const event = newEvent({ secret: 'grüße' });
  await store.append('vault-a', noStream, [event]);
  await store.deleteStream('vault-a');
  await store.close();
  const raw = new DatabaseSync(file);
  const rows = raw.prepare('SELECT place, stream, revision, hex(data) AS zeros FROM vault').all();
  raw.close();
  const zeros = '00'.repeat(Buffer.byteLength(JSON.stringify(event.data)));
  assert.equal(
    rows.map((row) => ({ ...row })),
    [
      { place: 1, stream: 'vault-a', revision: 0, zeros },
      { place: 2, stream: 'vault-a', revision: null, zeros: '' },
    ],
  );
});

test('no byte of any of many deleted streams is left in a page', async ({ store, folder }) => {
  const secrets = new Map<string, string>();
  const gone: string[] = [];
  for (let round = 0; round < 8; round++) {
    await Promise.all(
      Array.from({ length: 250 }, (_, at) => {
        const secret = randomBytes(12).toString('hex');
        const stream = streamOf('vault');
        secrets.set(stream, secret);
        const padding = 'x'.repeat(at % 50 === 0 ? 9000 : (at * 37) % 600);
        return store.append(stream, noStream, [newEvent({ secret: `<${secret}>`, padding })]);
      }),
    );
    const some = [...secrets].filter(() => Math.random() < 0.7);
    await Promise.all(
      some.map(([stream, secret]) => {
        secrets.delete(stream);
        gone.push(secret);
        return store.deleteStream(stream);
      }),
    );
  }
  const found = new Set(
    [
      ...bytesIn(folder)
        .toString('latin1')
        .matchAll(/<([0-9a-f]{24})>/g),
    ].map(([, hex]) => hex),
  );
  assert.equal([...found].sort(), [...secrets.values()].sort());
  assert.equal(
    gone.filter((secret) => found.has(secret)),
    [],
  );
});

test('deletions that arrive together share a commit', async ({ store, commits }) => {
  const names = Array.from({ length: 50 }, () => streamOf('vault'));
  await Promise.all(names.map((stream) => store.append(stream, noStream, newEvents(1))));
  await Promise.all([...names, ...names].map((stream) => store.deleteStream(stream)));
  assert.equal(commits, [50, 50]);
});

test('a deletion that a crash cut off from its checkpoint is finished at the next start', async ({
  store,
  folder,
}) => {
  // A copy of the files as a crash would leave them: the secret is in the write-ahead log.
  const secret = randomBytes(16).toString('hex');
  await store.append('vault-a', noStream, [newEvent({ secret })]);
  const crashed = join(folder, 'crashed');
  execFileSync('cp', ['-r', join(folder, 'data'), crashed]);
  assert.ok(readFileSync(join(crashed, 'log.sqlite-wal')).includes(secret));
  const raw = new DatabaseSync(join(crashed, 'log.sqlite'));
  raw.exec(
    `PRAGMA locking_mode = EXCLUSIVE; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;
     BEGIN; UPDATE vault SET data = zeroblob(octet_length(data));
     INSERT INTO vault (place, stream) VALUES (2, 'vault-a'); COMMIT`,
  );
  const again = join(folder, 'again');
  execFileSync('cp', ['-r', crashed, again]);
  raw.close();
  assert.ok(bytesIn(again).includes(secret), 'the write-ahead log still has it');
  const reopened = openSqliteStore({ file: join(again, 'log.sqlite') });
  assert.not.ok(bytesIn(again).includes(secret));
  assert.equal(await reopened.read('vault-a'), []);
  await reopened.close();
});

test.run();
