/** The port to a broker, as the process manager calls it. */
import type { CompiledPermissions, Permission } from '../../../domain/permission.ts';

/** What one account is to be at a broker: which credential opens it, and what it may do. */
export interface Account {
  readonly username: string;
  readonly credentialId: string;
  /** Templates are filled in; `http` ones do not concern a broker. */
  readonly permissions: readonly Permission[];
  readonly compiled: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

/** A password at the moment it is in memory, and the credential that it belongs to. */
export interface Staged {
  readonly username: string;
  readonly credentialId: string;
  readonly password: string;
}

/** `active` false: not yet; `detail` tells a person why, and what it waits for. */
export type ActivationOutcome =
  | { readonly active: true; readonly sessionsClosed: number }
  | { readonly active: false; readonly sessionsClosed: number; readonly detail: string };

/** An account as a broker has it. */
export interface BrokerAccount {
  readonly username: string;
  readonly enabled: boolean;
  /** What its mark says: made by this registry, and for which credential; null: somebody else's. */
  readonly mark: { readonly credentialId: string | null } | null;
  /** In the same order and words for the same rights, so that two can be compared; null: unknown. */
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
 * Whether a broker of this name puts the publish prefix in front of what is published; elsewhere the client
 * publishes its whole topic.
 */
export const putsPrefixInFront = (broker: string): boolean =>
  /^(embedded|vernemq)(-\d+)?$/.test(broker);

/**
 * A broker as the process manager drives it. Everything is level-triggered: repeating a call, or calling
 * after half of it was done, leads to the same end. Calls for one username never overlap.
 * All but `stage`, `status`, `urls` reject with BrokerDown or BrokerRefused.
 */
export interface Broker {
  /** Its name in events, and in `GET /api/brokers`: at most 64 characters. */
  readonly name: string;
  readonly kind: BrokerKind;
  status(): 'up' | 'down';
  /** Called when the broker is back after it was away, and may have forgotten everything. */
  onUp(listener: () => void): void;
  /** Where clients connect to; none: only the administrator knows. */
  urls(): readonly string[];
  /**
   * Takes a password that was just proven or made, if it has a use for it; false: it has none. Never
   * waits, never throws, may forget it.
   */
  stage(staged: Staged): boolean;
  /** Somebody waits for a decision: nothing is let in; what was staged may be laid ready. */
  hold(username: string, credentialId: string): Promise<void>;
  /**
   * Lets this credential in with these rights, and nothing else by this name. `before` is the credential
   * that the log knows as active there; null: none.
   */
  activate(account: Account, before: string | null): Promise<ActivationOutcome>;
  /**
   * Lets the name in no more and closes its sessions. `suspended` holds the credential that may come
   * back; null: nothing of it is needed any more. Resolves with the number of sessions closed, as far
   * as the broker can tell.
   */
  deactivate(username: string, suspended: string | null): Promise<number>;
  /** Other rights for an account that is active, in force for its live sessions. */
  setAuthorization(account: Account): Promise<void>;
  /** Closes live sessions, those of one token alone where the broker can tell them apart. */
  disconnect(username: string, options?: { tokenId?: string }): Promise<number>;
  /** Live sessions by username, where the broker can tell. */
  connected(): Iterable<string> | null;
  /** Every account there, also those of others; null: it keeps none, it asks the registry. */
  list(): Promise<readonly BrokerAccount[] | null>;
  /** What `list` would say of the rights of such an account. */
  rightsOf(account: Account): string | null;
  close(): Promise<void>;
}
