/** Backups: that one is taken is recorded before any of it goes out, so that an auditor sees that the history left the house. */
import { randomUUID } from 'node:crypto';
import { backup } from '../../domain/backup.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { noStream } from '../store/event-store.ts';
import { actorOf, type CommandContext } from './context.ts';

interface BackupAdministrationOptions extends RecordingOptions {
  readonly now: () => string;
}

/** What is recorded of a backup that is about to be taken. */
interface BackupBegun extends Done {
  readonly backupId: string;
  readonly takenAt: string;
}

export const createBackupAdministration = (options: BackupAdministrationOptions) => ({
  async takeBackup(
    context: CommandContext,
    { withKeys }: { readonly withKeys: boolean },
  ): Promise<BackupBegun> {
    const backupId = randomUUID();
    const takenAt = options.now();
    const command = () => {
      context.authorize();
      return { type: 'TakeBackup', backupId, withKeys, at: takenAt, by: actorOf(context) } as const;
    };
    const isNew = () => ({ state: backup.initial, revision: noStream, position: null });
    const { position } = await record(options, backup, backupId, command, context.cause, isNew);
    return { position, backupId, takenAt };
  },
});
