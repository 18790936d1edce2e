/** Where a log is kept in this machine's own folder, and whether there is one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LogAbsent } from './errors.ts';

/** Whether the log is shared: other processes may write to it, and no file of ours holds it. */
export const isShared = ({ store }: { readonly store: string }): boolean => store !== 'sqlite';

/** A server's address as it may be shown: without user, password and options. */
export const shownStore = (store: string): string =>
  store.replace(/\/\/[^/?]*@/, '//').replace(/\?.*$/s, '');

export const logFileOf = (dataDir: string): string => join(dataDir, 'log.sqlite');

/** For work on a log that there is: it makes none. @throws LogAbsent */
export function requireLog(config: { readonly store: string; readonly dataDir: string }): void {
  const file = logFileOf(config.dataDir);
  if (!isShared(config) && !existsSync(file)) throw new LogAbsent(`There is no log at ${file}.`);
}
