/** Looks at everything that an installation stands on, and changes nothing. */
import type { Config } from '../../../config/config.ts';
import { currentInstant } from '../../../platform/instant.ts';
import { brokerFindings } from './brokers.ts';
import { certificateFindings } from './certificates.ts';
import { type Finding, fault } from './finding.ts';
import { foldersFindings } from './folders.ts';
import { logFindings, rowsFindings } from './log.ts';

export type { Finding } from './finding.ts';

/** What keeps one look from being had keeps no other from it. */
async function looked(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return [
      fault(
        check,
        `cannot be looked at: ${message}`,
        code === 'EACCES' || code === 'EPERM'
          ? 'Run it as the user that runs Gatebook'
          : 'Look at what it names',
      ),
    ];
  }
}

export async function examineInstallation(
  config: Config,
  now: () => string = currentInstant,
): Promise<Finding[]> {
  return [
    ...(await looked('data folder', () => foldersFindings(config))),
    ...(await looked('log', () => logFindings(config, now()))),
    ...(await looked('rows', async () => rowsFindings(config))),
    ...(await looked('certificates', async () => certificateFindings(config, now()))),
    ...(await looked('brokers', () => brokerFindings(config))),
  ];
}
