/** An embedded log in a folder of its own, for each test that wants one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../../../src/logger.ts';
import { keepJournals } from '../../../../src/platform/sqlite/journals.ts';
import { type EventStore, positionOf } from '../../../../src/store/event-store.ts';
import type { MovableStore } from '../../../../src/store/log-state.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { assert, suite } from '../../../support/suite.ts';

/** Opens a log whose every commit is made by a thread, which is there already. */
export async function openedInThread(
  options: Omit<Parameters<typeof openSqliteStore>[0], 'thread' | 'journals'>,
): Promise<MovableStore> {
  const isThere = Promise.withResolvers<void>();
  // Of the thread that commits, this is the first line.
  const write = (line: string) =>
    line.includes('made by a thread') ? isThere.resolve() : isThere.reject(new Error(line));
  const logger = createLogger({ level: 'debug', write });
  const journals = keepJournals(logger);
  const store = openSqliteStore({ ...options, journals, thread: { logger, loopMsMax: 0 } });
  await isThere.promise;
  return {
    ...store,
    async close() {
      await store.close();
      await journals.end();
    },
  };
}

export interface World {
  folder: string;
  file: string;
  store: EventStore;
  /** How many events each commit wrote. */
  commits: number[];
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'gatebook-log-'));

/** Where commits are made. */
export const committers = ['event loop', 'thread'] as const;

/** A suite whose every test has a new log, at `data/log.sqlite` of a folder that goes away. */
export function sqliteSuite(name: string, by: (typeof committers)[number] = 'event loop') {
  const test = suite<World>(by === 'thread' ? `${name}, by a thread` : name);
  test.before.each(async (world) => {
    world.folder = temporaryFolder();
    world.file = join(world.folder, 'data', 'log.sqlite');
    world.commits = [];
    const onAppend = (_seconds: number, events: number) => world.commits.push(events);
    const options = { file: world.file, onAppend };
    world.store = by === 'thread' ? await openedInThread(options) : openSqliteStore(options);
  });
  test.after.each(async ({ store, folder }) => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return test;
}

/** The same tests of logs whose commits are made by the event loop and by a thread. */
export function sqliteSuites(name: string) {
  const suites = committers.map((by) => sqliteSuite(name, by));
  const each = (...test: Parameters<(typeof suites)[number]>): void => {
    for (const suite of suites) suite(...test);
  };
  const run = (): void => {
    for (const suite of suites) suite.run();
  };
  return Object.assign(each, { run });
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
