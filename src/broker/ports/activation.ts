/** The port of the process manager: what the service asks of it, and what it reports of each broker. */
import type { BrokerKind, Staged } from './broker.ts';

export interface Drift {
  readonly username: string;
  /**
   * `stranger`: this registry did not make the account; `missing`: access was granted, and its credential is not there;
   * `rights`: other rights than granted; `enabled`: open though it should not be, or the reverse.
   */
  readonly kind: 'stranger' | 'missing' | 'rights' | 'enabled';
}

/** Why a client is not active at a broker. */
export interface ActivationObstacle {
  readonly status: 'waiting' | 'failed';
  readonly detail: string;
}

/** A broker as `GET /api/brokers` shows it. */
export interface BrokerState {
  readonly name: string;
  readonly kind: BrokerKind;
  readonly status: 'up' | 'down';
  readonly accountCount: number;
  /** Events of the log that were not yet applied to the broker. */
  readonly lagEvents: number;
  readonly drift: readonly Drift[];
}

/** The process manager, which makes the brokers agree with the log. */
export interface ActivationManager {
  /**
   * True once everything up to a position is in force; false after `timeoutMs`. Of `all` brokers those
   * that are down are not waited for; `embedded` waits for the embedded one alone.
   */
  settled(position: string, timeoutMs: number, brokers?: 'all' | 'embedded'): Promise<boolean>;
  /** Gives a password to the brokers that keep accounts of their own; never waits, never throws. */
  stage(staged: Staged): void;
  /** Why a client is not active at a broker; undefined: no reason is known. */
  obstacle(broker: string, username: string): ActivationObstacle | undefined;
  /** What `GET /api/brokers` shows, in the order of the configuration. */
  states(): readonly BrokerState[];
  /** Undefined: there is no such broker. */
  reconcile(broker: string, repair: boolean): Promise<BrokerState | undefined>;
  readonly ended: Promise<void>;
}
