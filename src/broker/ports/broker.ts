/** The port to a broker, as the process manager calls it. */
import type { CompiledPermissions } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';

/** An account as it is to be at a broker: its credential, and its rights. */
export interface Account {
  readonly username: string;
  readonly credentialId: string;
  /** Of the one certificate that opens; null: there is none. */
  readonly certificateSerial: string | null;
  /** Whether it had other certificates before that one, which are revoked. */
  readonly hasReplaced: boolean;
  /** Whether its password opens at all: not beside a key that it asked with. */
  readonly passwordOpens: boolean;
  /** Templates are filled in; a broker ignores those of the context `http`. */
  readonly permissions: readonly Permission[];
  readonly compiled: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

/**
 * Whether a gateway before a broker with accounts judges this client, and shows the broker a secret of the registry in its
 * name: where a password opens alone and there is no certificate, the broker judges the password.
 */
export const isJudgedByGateway = ({
  passwordOpens,
  certificateSerial,
}: Pick<Account, 'passwordOpens' | 'certificateSerial'>): boolean =>
  !passwordOpens || certificateSerial !== null;

/** A password at the moment it is in memory, and the credential that it belongs to. */
export interface Staged {
  readonly username: string;
  readonly credentialId: string;
  readonly password: string;
}

/** `active` false: not yet; `detail` is for people: why not, and what is needed. */
export type ActivationOutcome =
  | { readonly active: true; readonly sessionsClosed: number }
  | { readonly active: false; readonly sessionsClosed: number; readonly detail: string };

/** An account as a broker has it. */
export interface BrokerAccount {
  readonly username: string;
  readonly enabled: boolean;
  /** Set in accounts that this registry made, with their credential; null: the account is a stranger's. */
  readonly mark: { readonly credentialId: string | null } | null;
  /** A text that is equal for equal rights; null: unknown. */
  readonly rights: string | null;
}

/** The broker cannot be reached, or does not answer: it is tried again when it is back. */
export class BrokerDown extends Error {
  override name = 'BrokerDown';
}

/** The broker answers, but will not do this. The message is for administrators, without secrets. */
export class BrokerRefused extends Error {
  override name = 'BrokerRefused';
}

export type BrokerKind = 'embedded' | 'mosquitto' | 'emqx' | 'rabbitmq' | 'vernemq';

/**
 * Whether a broker of this name adds the publish prefix to the topics that a client publishes to; elsewhere
 * the client has to publish to the whole topic.
 */
export const putsPrefixInFront = (broker: string): boolean =>
  /^(embedded|vernemq)(-\d+)?$/.test(broker);

/**
 * A broker as the process manager calls it. Everything is level-triggered: repeating a call, or calling
 * after half of it was done, leads to the same state. Calls for one username never overlap.
 * All but `stage`, `status`, `urls` reject with BrokerDown or BrokerRefused.
 */
export interface Broker {
  /** Its name in events, and in `GET /api/brokers`: at most 64 characters. */
  readonly name: string;
  readonly kind: BrokerKind;
  status(): 'up' | 'down';
  /** Called when the broker is up after it was down, and may have lost everything. */
  onUp(listener: () => void): void;
  /** Where clients connect to; none: only the administrator knows. */
  urls(): readonly string[];
  /** Whether it has a use for passwords at all: false where it asks the registry. */
  readonly takesPasswords: boolean;
  /**
   * Takes a password that was just proven or made, if it has a use for it; false: it has none. Never
   * waits, never throws, may forget it.
   */
  stage(staged: Staged): boolean;
  /** The request of this credential is pending: admits nobody; may prepare the account, disabled. */
  hold(username: string, credentialId: string): Promise<void>;
  /**
   * Admits this credential with these rights, and no other of this username. `before` is the credential
   * that the log has as active there; null: none.
   */
  activate(account: Account, before: string | null): Promise<ActivationOutcome>;
  /**
   * Admits the username no more and closes its sessions. `suspended` is the credential that may be
   * activated again; null: nothing of the account is needed any more. Resolves with the number of
   * sessions closed, as far as the broker reports it.
   */
  deactivate(username: string, suspended: string | null): Promise<number>;
  /** Other rights for an account that is active, in force for its live sessions. */
  setAuthorization(account: Account): Promise<void>;
  /** Closes live sessions: those of some tokens alone, where the broker can distinguish them. */
  disconnect(username: string, options?: { tokenIds?: ReadonlySet<string> }): Promise<number>;
  /** The usernames with live sessions; null: the broker does not report them. */
  connected(): Iterable<string> | null;
  /** Whether a client has a session there now; null: the broker cannot tell. */
  hasSession(username: string): Promise<boolean | null>;
  /** Every account there, also those of strangers; null: it has none, because it asks the registry. */
  list(): Promise<readonly BrokerAccount[] | null>;
  /** The rights of such an account as `list` would report them. */
  rightsOf(account: Account): string | null;
  close(): Promise<void>;
}
