/** Makes the data folder, and takes one that was made before from everybody but its owner. */
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../logger.ts';
import { makeFolder } from '../platform/private-file.ts';
import { LogNotLive } from '../store/errors.ts';

const sticky = 0o1000;

/** Where a restore works, in the folder that it fills: gone when it has ended, however that was, unless it was killed. */
export const restoreDraftOf = (folder: string): string => join(folder, '.restoring');

/** An empty registry must not begin where one was to be put back. @throws LogNotLive */
function requireNoRestore(folder: string): void {
  if (existsSync(restoreDraftOf(folder)))
    throw new LogNotLive(
      `a restore into ${folder} has not ended: run the same gatebook restore again, or empty the folder`,
    );
}

const hostileMark = 'HOSTILE';

/** No plant's folder becomes a hostile registry's, and no hostile one's a plant's. @throws LogNotLive */
function requireKind(folder: string, isHostile: boolean): void {
  const isMarked = existsSync(join(folder, hostileMark));
  if (isHostile && !isMarked && existsSync(folder) && readdirSync(folder).length > 0)
    throw new LogNotLive(
      `${folder} was not made by a hostile registry, and no plant is to meet one: choose a new folder by GATEBOOK_DATA_DIR`,
    );
  if (!isHostile && isMarked)
    throw new LogNotLive(
      `${folder} was made by gatebook serve --hostile, which lies to devices: choose another folder by GATEBOOK_DATA_DIR`,
    );
}

/** A folder that many share, or that is somebody else's, stays as it is: the log says what to do. @throws LogNotLive */
export function keepDataFolder(folder: string, logger: Logger, isHostile = false): void {
  requireNoRestore(folder);
  requireKind(folder, isHostile);
  makeFolder(folder);
  if (isHostile)
    writeFileSync(
      join(folder, hostileMark),
      'Made by gatebook serve --hostile, which lies to devices. Nothing else is served from here.\n',
    );
  // Windows keeps rights in lists of its own, which a mode does not show.
  const { mode } = statSync(folder);
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  const found = { folder, mode: (mode & 0o7777).toString(8).padStart(4, '0') };
  try {
    if ((mode & sticky) !== 0) throw new Error('it is a folder that many share');
    chmodSync(folder, 0o700);
    logger.warn("The data folder was open to others: it is its owner's alone now", found);
  } catch (error) {
    const { message } = error as Error;
    const remedy = `run chmod 700 '${folder}', or choose another GATEBOOK_DATA_DIR`;
    logger.warn('The data folder is open to others', { ...found, reason: message, remedy });
  }
}
