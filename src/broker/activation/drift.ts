/** Compares the accounts of a broker with the log: who is a stranger there, and what is to be put right. */
import type { AccessRow } from '../../../projections/access.ts';
import { driftShownMax } from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { everyRow } from '../../read-models/every-row.ts';
import type { BrokerState, Drift } from '../ports/activation.ts';
import type { BrokerAccount } from '../ports/broker.ts';
import { accountOf, type BringingAbout } from './reconcile.ts';

export interface Compared {
  readonly drift: readonly Drift[];
  /** Names that the process manager has to look at: never those of strangers. */
  readonly repairs: readonly string[];
}

/**
 * `accounts` as the broker lists them, `rows` every client of the log, `rightsOf` what its rights would
 * be called there, `acknowledged` what the log has of its credential there: `never` was it active, so
 * that it is waited for and not missed.
 */
export function compared(
  accounts: readonly BrokerAccount[],
  rows: Iterable<AccessRow>,
  known: {
    readonly rightsOf: (row: AccessRow) => string | null;
    readonly acknowledged: (row: AccessRow) => 'active' | 'once' | 'never';
  },
): Compared {
  const left = new Map(accounts.map((account) => [account.username, account]));
  const drift: Drift[] = [];
  const repairs: string[] = [];
  for (const row of rows) {
    const { username } = row;
    const account = left.get(username);
    left.delete(username);
    const told = known.acknowledged(row);
    const kind = driftOf(row, account, known.rightsOf(row));
    if (kind !== null && (kind !== 'missing' || told !== 'never')) drift.push({ username, kind });
    const leftover = account?.mark && !isKept(row);
    const untold = (told === 'active') !== (row.status === 'active' && kind === null);
    // Of a stranger's name the log is put right, and the account left alone.
    if (untold || leftover || (kind !== null && kind !== 'stranger')) repairs.push(username);
  }
  for (const username of left.keys()) drift.push({ username, kind: 'stranger' });
  return { drift, repairs };
}

const isKept = ({ status }: AccessRow): boolean =>
  status === 'active' || status === 'suspended' || status === 'pending';

function driftOf(
  row: AccessRow,
  account: BrokerAccount | undefined,
  rights: string | null,
): Drift['kind'] | null {
  if (row.status !== 'active') {
    if (account === undefined) return null;
    if (account.mark === null) return 'stranger';
    return account.enabled ? 'enabled' : null;
  }
  if (account === undefined) return 'missing';
  if (account.mark === null) return 'stranger';
  if (account.mark.credentialId !== row.credentialId) return 'missing';
  if (!account.enabled) return 'enabled';
  return account.rights === rights ? null : 'rights';
}

/** The last comparison of one broker with the log. */
export class Comparison {
  readonly #options: BringingAbout & { readonly logger: Logger };
  #drift: readonly Drift[] = [];
  #accountCount = 0;

  constructor(options: BringingAbout & { readonly logger: Logger }) {
    this.#options = options;
  }

  get state(): Pick<BrokerState, 'accountCount' | 'drift'> {
    return { accountCount: this.#accountCount, drift: this.#drift.slice(0, driftShownMax) };
  }

  /** Compares; resolves with the names that are to be looked at. @throws BrokerDown */
  async make(): Promise<readonly string[]> {
    const { broker, authority, rows, logger } = this.#options;
    const accounts = await broker.list();
    if (accounts === null) return [];
    const { drift, repairs } = compared(accounts, everyRow(rows.access), {
      rightsOf: (row) => {
        const account = accountOf(authority, row.username);
        return account === null ? null : broker.rightsOf(account);
      },
      acknowledged: (row) => {
        const told = rows.activations.get(row.username)?.brokers[broker.name];
        if (told?.active) return 'active';
        return 'credentialId' in row && told?.credentialId === row.credentialId ? 'once' : 'never';
      },
    });
    const count = strangersIn(drift);
    if (count !== strangersIn(this.#drift))
      logger.warn('A broker has accounts that the log does not own', {
        broker: broker.name,
        count,
      });
    this.#drift = drift;
    this.#accountCount = accounts.length;
    return repairs;
  }
}

const strangersIn = (drift: readonly Drift[]): number =>
  drift.filter(({ kind }) => kind === 'stranger').length;
