/** Compares the accounts of a broker with the log: which are strangers there, and which clients to reconcile. */
import type { AccessRow } from '../../../projections/access.ts';
import { driftShownMax } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { everyRow } from '../../read-models/every-row.ts';
import type { BrokerState, Drift } from '../ports/activation.ts';
import type { BrokerAccount } from '../ports/broker.ts';
import { accountOf, type ReconcileOptions } from './reconcile.ts';

interface Differences {
  readonly drift: readonly Drift[];
  /** Usernames that the process manager has to reconcile: never those of strangers. */
  readonly repairs: readonly string[];
}

/**
 * `accounts` as the broker lists them, `rows` every client of the log; `rightsOf`: the client's rights as the
 * broker would list them; `acknowledged`: what the log has of its credential there. One that was `never`
 * active there is waited for, not missing.
 */
export function differences(
  accounts: readonly BrokerAccount[],
  rows: Iterable<AccessRow>,
  log: {
    readonly rightsOf: (row: AccessRow) => string | null;
    readonly acknowledged: (row: AccessRow) => 'active' | 'once' | 'never';
  },
): Differences {
  const unmatched = new Map(accounts.map((account) => [account.username, account]));
  const drift: Drift[] = [];
  const repairs: string[] = [];
  for (const row of rows) {
    const { username } = row;
    const account = unmatched.get(username);
    unmatched.delete(username);
    const acknowledged = log.acknowledged(row);
    const kind = driftOf(row, account, log.rightsOf(row));
    if (kind !== null && (kind !== 'missing' || acknowledged !== 'never'))
      drift.push({ username, kind });
    const isLeftover = account?.mark && !needsAccount(row);
    const isUnrecorded = (acknowledged === 'active') !== (row.status === 'active' && kind === null);
    // With a stranger's account the log is corrected, and the account left alone.
    if (isUnrecorded || isLeftover || (kind !== null && kind !== 'stranger'))
      repairs.push(username);
  }
  for (const username of unmatched.keys()) drift.push({ username, kind: 'stranger' });
  return { drift, repairs };
}

const needsAccount = ({ status }: AccessRow): boolean =>
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
  readonly #options: ReconcileOptions & { readonly logger: Logger };
  #drift: readonly Drift[] = [];
  #accountCount = 0;

  constructor(options: ReconcileOptions & { readonly logger: Logger }) {
    this.#options = options;
  }

  get state(): Pick<BrokerState, 'accountCount' | 'drift'> {
    return { accountCount: this.#accountCount, drift: this.#drift.slice(0, driftShownMax) };
  }

  /** Compares; resolves with the usernames that are to be reconciled. @throws BrokerDown */
  async make(): Promise<readonly string[]> {
    const { broker, authority, rows, logger } = this.#options;
    const accounts = await broker.list();
    if (accounts === null) return [];
    const { drift, repairs } = differences(accounts, everyRow(rows.access), {
      rightsOf: (row) => {
        const account = accountOf(authority, row.username);
        return account === null ? null : broker.rightsOf(account);
      },
      acknowledged: (row) => {
        const known = rows.activations.get(row.username)?.brokers[broker.name];
        if (known?.active) return 'active';
        return 'credentialId' in row && known?.credentialId === row.credentialId ? 'once' : 'never';
      },
    });
    const count = strangerCount(drift);
    if (count !== strangerCount(this.#drift))
      logger.warn('A broker has accounts that the log does not own', {
        broker: broker.name,
        count,
      });
    this.#drift = drift;
    this.#accountCount = accounts.length;
    return repairs;
  }
}

const strangerCount = (drift: readonly Drift[]): number =>
  drift.filter(({ kind }) => kind === 'stranger').length;
