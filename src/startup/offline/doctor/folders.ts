/** The data folder, the key folder and the disk: who may look into them, and how much room there is. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../config/config.ts';
import { freeBytesAt } from '../../../jobs/disk-space.ts';
import { logFileOf } from '../../../store/location.ts';
import { restoreDraftOf } from '../../data-folder.ts';
import { type Finding, fault, good, megabytes, warning } from './finding.ts';

/** Windows keeps rights in lists of its own, which a mode does not show. */
const modesCount = process.platform !== 'win32';

const modeText = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0');

function openToOthers(path: string): string | null {
  const { mode } = statSync(path);
  return modesCount && (mode & 0o077) !== 0 ? modeText(mode) : null;
}

/** A folder, and the files in it. */
function modes(check: string, folder: string): Finding[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
  const found = [folder, ...files].flatMap((path) => {
    const mode = openToOthers(path);
    if (mode === null) return [];
    const right = path === folder ? '700' : '600';
    return [
      fault(
        check,
        `${path} can be read or changed by others (${mode})`,
        `chmod ${right} '${path}'`,
      ),
    ];
  });
  return found.length > 0
    ? found
    : [good(check, `${folder}: nobody but its owner may look into it`)];
}

function keys({ keysDir, dataDir, store }: Config): Finding[] {
  if (!existsSync(keysDir)) {
    if (store === 'sqlite' && !existsSync(logFileOf(dataDir)))
      return [good('keys', `${keysDir} is made at the first start`)];
    return [
      fault(
        'keys',
        `${keysDir} is not there, and the log belongs to keys`,
        'Put the key folder of this registry there, or set GATEBOOK_KEYS_DIR: with new keys no password is right',
      ),
    ];
  }
  const lacking = ['pepper.key', 'checkpoint.json'].filter(
    (name) => !existsSync(join(keysDir, name)),
  );
  if (lacking.length > 0 && existsSync(logFileOf(dataDir)))
    return [
      fault('keys', `${keysDir} lacks ${lacking.join(' and ')}`, 'Restore them from a backup'),
    ];
  return modes('keys', keysDir);
}

async function disk({ dataDir, diskFreeMinBytes }: Config): Promise<Finding> {
  const free = await freeBytesAt(dataDir);
  const said = `${megabytes(free)} free at ${dataDir}`;
  const remedy = `Make room: below ${megabytes(diskFreeMinBytes)} (GATEBOOK_DISK_FREE_MIN) the service is not ready`;
  if (free < diskFreeMinBytes) return fault('disk', said, remedy);
  // A rebuild needs room for both, the old rows and the new ones.
  const rows = join(dataDir, 'read-models.sqlite');
  const needed = diskFreeMinBytes * 2 + (existsSync(rows) ? statSync(rows).size : 0);
  return free < needed ? warning('disk', said, remedy) : good('disk', said);
}

export async function foldersFindings(config: Config): Promise<Finding[]> {
  const { dataDir } = config;
  if (!existsSync(dataDir))
    return [good('data folder', `${dataDir} is made at the first start`), ...keys(config)];
  const draft = restoreDraftOf(dataDir);
  const restore = existsSync(draft)
    ? [
        fault(
          'data folder',
          `a restore into ${dataDir} has not ended`,
          'Run the same gatebook restore again, or empty the folder',
        ),
      ]
    : [];
  return [...restore, ...modes('data folder', dataDir), await disk(config), ...keys(config)];
}
