/** The service as its edges see it: everything a route may use. */
import type { Administration } from './administration/administration.ts';
import type { Evidence } from './api/evidence.ts';
import type { Audit } from './audit/audit.ts';
import type { Authority } from './authority.ts';
import type { Backups } from './backup/backups.ts';
import type { ActivationManager } from './broker/ports/activation.ts';
import type { Config } from './config/config.ts';
import type { Answers } from './credentials/answers.ts';
import type { CertificateAuthority } from './credentials/certificates/authority.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { LiveEvents } from './notifications/live-events.ts';
import type { DeadLetter } from './notifications/notifications.ts';
import type { OperatorLog } from './notifications/operator-log.ts';
import type { ReadModels } from './read-models/read-models.ts';
import type { Certificates } from './registration/certificates.ts';
import type { ClientCertificates } from './registration/client-certificate.ts';
import type { LongPolls } from './registration/long-polls.ts';
import type { Registration } from './registration/registration.ts';
import type { Renewals } from './registration/renewals.ts';
import type { RevocationList } from './registration/revocation-list.ts';
import type { RegistrationTokens } from './registration/tokens.ts';
import type { Views } from './views/views.ts';

export interface App {
  readonly registration: Registration & RegistrationTokens & LongPolls;
  readonly certificates: Certificates;
  readonly renewals: Renewals;
  readonly clientCertificates: ClientCertificates;
  readonly ca: Pick<
    CertificateAuthority,
    'root' | 'chainPem' | 'trustPem' | 'fingerprint' | 'others'
  >;
  readonly revocationList: RevocationList;
  readonly backups: Backups;
  /** Answers of commands that waited for approvers. */
  readonly answers: Answers;
  /** Whether a name is one that this service is reached by: no client may be called so (SPEC 11). */
  readonly isServerName: (name: string) => boolean;
  /** Whether a name is one that people have who sign in at the identity provider: nobody else may choose it. */
  readonly isPersonName: (name: string) => boolean;
  readonly authority: Authority;
  /** Told of each request with a token that is good. */
  readonly onCaller: (username: string) => void;
  readonly administration: Administration;
  readonly views: Views;
  readonly audit: Audit;
  /** What the installation can show of itself to an auditor. */
  readonly evidence: () => Promise<Evidence>;
  readonly liveEvents: LiveEvents;
  readonly operatorLog: Pick<OperatorLog, 'commandFrom' | 'signInFailed' | 'tracedAs'>;
  /** Notifications that could not be delivered, the newest first. */
  readonly deadLetters: () => readonly DeadLetter[];
  readonly brokers: Pick<ActivationManager, 'states' | 'reconcile'>;
  readonly readModels: ReadModels;
  readonly passwordFaults: (password: string) => string[];
  /** Whether the read models get as far as a position within so many milliseconds. */
  readonly reached: (position: string, timeoutMs: number) => Promise<boolean>;
  /** Resolves when the read models know all that the log has at this moment. @throws Refused `position-not-reached` */
  readonly upToDate: () => Promise<void>;
  /** ISO instant. */
  readonly now: () => string;
  /** Each check of `/readyz`. */
  readonly health: () => Record<string, 'up' | 'down'>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly config: Config;
}
