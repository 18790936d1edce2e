/** Whether what was acknowledged of approvals, rules and backups is so. */
import { unlockWith } from '../../../src/backup/passphrase.ts';
import { readBackup } from '../../../src/backup/read.ts';
import { BackupRefused } from '../../../src/backup/refused.ts';
import { chunksOf } from '../../support/backups.ts';

export interface ApprovalSeen {
  readonly username: string;
  readonly proposalId: string;
  /** Whether the second person was told that it is approved. */
  readonly isApproved: boolean;
  /** As the registry shows it; null: it shows none. */
  readonly proposal: string | null;
  /** What the device is answered at the door. */
  readonly door: number;
}

export function approvalFaults(seen: ApprovalSeen): string[] {
  const { username, proposalId, isApproved, proposal, door } = seen;
  if (proposal === null) return [`the proposal ${proposalId} was told of, and is not there`];
  if (isApproved && (door !== 201 || proposal !== 'approved'))
    return [`${username} was granted by two, and is told ${door}; the proposal ${proposal}`];
  // Nobody may have heard that it was approved.
  if (!isApproved && (door === 201 ? proposal !== 'approved' : door !== 202))
    return [`${username} waits for two, and is told ${door}; the proposal ${proposal}`];
  return [];
}

export const ruleFaults = (
  id: string,
  status: number,
  body: { readonly hasEnrolmentCode?: boolean },
): string[] =>
  status === 200 && body.hasEnrolmentCode === true
    ? []
    : [`the rule ${id} was made, and is told ${status}`];

/** @param isEnded whether it came to its end, as its reader was told */
export async function backupFaults(bytes: Buffer, isEnded: boolean): Promise<string[]> {
  try {
    await readBackup(chunksOf(bytes, 64_000), unlockWith(null), () => undefined);
    return isEnded ? [] : ['a backup that broke off is taken for whole'];
  } catch (error) {
    return isEnded || !(error instanceof BackupRefused)
      ? [`a backup is not read: ${(error as Error).message}`]
      : [];
  }
}
