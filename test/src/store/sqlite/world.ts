/** An embedded log in a folder of its own, for each test that wants one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EventStore, positionOf } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { assert, suite } from '../../../support/suite.ts';

export interface World {
  folder: string;
  file: string;
  store: EventStore;
  /** How many events each commit wrote. */
  commits: number[];
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'gatebook-log-'));

/** A suite whose every test has a new log, at `data/log.sqlite` of a folder that goes away. */
export function sqliteSuite(name: string) {
  const test = suite<World>(name);
  test.before.each((world) => {
    world.folder = temporaryFolder();
    world.file = join(world.folder, 'data', 'log.sqlite');
    world.commits = [];
    const onAppend = (_seconds: number, events: number) => world.commits.push(events);
    world.store = openSqliteStore({ file: world.file, onAppend });
  });
  test.after.each(async ({ store, folder }) => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return test;
}

export const child = fileURLToPath(new URL('./child.ts', import.meta.url));

export const bytesIn = (folder: string): Buffer =>
  Buffer.concat(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path)),
  );

export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

export const assertGapFree = (log: readonly { position: string }[]) =>
  assert.equal(
    log.map(({ position }) => position),
    log.map((_, at) => positionOf(at + 1)),
  );
