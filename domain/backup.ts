/** What an auditor must know of backups: that the history left the house, and that the log was put back to an earlier end. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event } from './decider.ts';
import { caused, Id, Instant } from './values.ts';

export const BackupEvent = z.discriminatedUnion('type', [
  /** Recorded before the first byte goes out, so that it is in the backup, too. */
  event('BackupTaken', { backupId: Id, withKeys: z.boolean(), ...caused }),
  /** The log ended after `size` events, and this is the next: what was recorded after the backup is not in it. */
  event('LogRestored', {
    restoreId: Id,
    backupId: Id,
    /** When the backup was taken. */
    takenAt: Instant,
    size: z.int().min(0),
    /** Base64, of the Merkle tree of those events. */
    rootHash: z.string(),
    withKeys: z.boolean(),
    ...caused,
  }),
]);
export type BackupEvent = z.infer<typeof BackupEvent>;

type RestoredFrom = Omit<Extract<BackupEvent, { type: 'LogRestored' }>['data'], 'at' | 'by'>;

type BackupCommand =
  | CommandBase<'TakeBackup', { readonly backupId: string; readonly withKeys: boolean }>
  | CommandBase<'RecordRestore', { readonly from: RestoredFrom }>;

/** Of the stream of one backup, or of all restores. */
interface BackupState {
  readonly isTaken: boolean;
  /** The newest; null: this log was never restored. */
  readonly restoreId: string | null;
}

/** The one stream of all restores; each backup has its own, by its id. */
export const restoresId = 'restores';

const initial: BackupState = { isTaken: false, restoreId: null };

const evolve = (state: BackupState, { type, data }: BackupEvent): BackupState =>
  type === 'BackupTaken' ? { ...state, isTaken: true } : { ...state, restoreId: data.restoreId };

function decide(command: BackupCommand, state: BackupState): Decision<BackupEvent, never> {
  const { at, by } = command;
  if (command.type === 'TakeBackup') {
    const { backupId, withKeys } = command;
    if (state.isTaken) return accept();
    return accept({ type: 'BackupTaken', data: { backupId, withKeys, at, by } });
  }
  if (state.restoreId === command.from.restoreId) return accept();
  return accept({ type: 'LogRestored', data: { ...command.from, at, by } });
}

export const backup: Decider<BackupState, BackupCommand, BackupEvent, never> = {
  category: 'backup',
  Event: BackupEvent,
  initial,
  decide,
  evolve,
};

/** The name that a restored log signs under: another than before, so that no two histories have the same. */
export const originAfter = (origin: string, restoreId: string | null): string =>
  restoreId === null ? origin : `${origin}/restored-${restoreId.slice(0, 8)}`;
