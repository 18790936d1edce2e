/** The service as its edges see it: everything a route may use. */
import type { Administration } from './administration/administration.ts';
import type { Audit } from './audit/audit.ts';
import type { Authority } from './authority.ts';
import type { ActivationManager } from './broker/broker.ts';
import type { Config } from './config.ts';
import type { Live } from './live.ts';
import type { Log } from './log.ts';
import type { LongPolls } from './long-polls.ts';
import type { Metrics } from './metrics.ts';
import type { DeadLetter } from './notifications.ts';
import type { ReadModels } from './read-models/read-models.ts';
import type { Registration } from './registration.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import type { Views } from './views/views.ts';

export interface App {
  readonly registration: Registration & RegistrationTokens & LongPolls;
  readonly authority: Authority;
  readonly administration: Administration;
  readonly views: Views;
  readonly audit: Audit;
  readonly live: Live;
  /** Notifications that could not be delivered, the newest first. */
  readonly deadLetters: () => readonly DeadLetter[];
  readonly brokers: Pick<ActivationManager, 'states' | 'reconcile'>;
  readonly readModels: ReadModels;
  readonly passwordFaults: (password: string) => string[];
  /** Whether the read models get as far as a position within so many milliseconds. */
  readonly reached: (position: string, timeoutMs: number) => Promise<boolean>;
  /** ISO instant. */
  readonly now: () => string;
  /** Each check of `/readyz`. */
  readonly health: () => Record<string, 'up' | 'down'>;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly config: Config;
}
