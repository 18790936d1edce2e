/** Keeps what is known of clients that moved in as the rows have it: read at the start, and as they come and go. */
import type { AccessRow } from '../../projections/access.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { ForeignVerifiers } from '../credentials/passwords/foreign-verifiers.ts';
import { UnreadableSecret } from '../credentials/vault.ts';
import { vaultLooksAtOnceMax } from '../limits/credentials.ts';
import type { Logger } from '../logger.ts';
import { pagesBetween } from '../read-models/every-row.ts';
import type { Changes } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';

/** The credential that a client moved in with; undefined: it holds none. */
const movedInBy = (row: AccessRow | undefined) =>
  (row?.status === 'active' || row?.status === 'suspended') && row.foreignVerifierId !== null
    ? { credentialId: row.credentialId, foreignVerifierId: row.foreignVerifierId }
    : undefined;

export function watchMovedIn(options: {
  readonly access: Rows<AccessRow>;
  readonly foreign: Pick<ForeignVerifiers, 'learn' | 'forget'>;
  readonly onApplied: (listener: (events: unknown, changes: Changes) => void) => void;
  readonly logger: Logger;
}): { begin(): Promise<void> } {
  const { access, foreign, onApplied, logger } = options;

  const unread = (error: unknown) =>
    logger.warn('What a client moved in with cannot be read; it is refused until the next start', {
      error,
    });

  const applied = (username: string, row: AccessRow | undefined) => {
    const client = movedInBy(row);
    if (client === undefined) foreign.forget(username);
    else void foreign.learn(username, client).catch(unread);
  };

  onApplied((_events, changes) => {
    for (const [username, row] of changes.get('clients') ?? [])
      applied(username, (row as ClientRow | undefined)?.state);
  });

  return {
    /** Resolves when all are known, so that none is refused at an open door. Rejects with StoreUnavailable */
    async begin() {
      const range = { column: 'foreignVerifier', limit: vaultLooksAtOnceMax };
      for (const page of pagesBetween(access, range))
        await Promise.all(
          page.map(async (row) => {
            const client = movedInBy(row);
            if (client === undefined) return;
            await foreign.learn(row.username, client).catch((error: unknown) => {
              // One that is damaged keeps no other out; what passes by itself is waited for.
              if (!(error instanceof UnreadableSecret)) throw error;
              unread(error);
            });
          }),
        );
    },
  };
}
