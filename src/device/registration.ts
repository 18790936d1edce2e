/** What a device says to ask for access, and what it is told on the way. */

import { type DoorResponse, textIn } from './answer.ts';
import type { DevicePermission, Registered } from './file.ts';
import type { DeviceTime } from './time.ts';

/** Paths; a key that is there is used, else one is made. */
export interface CertificateFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
}

export interface RegisterOptions {
  /** The registry's address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** SHA-256 of the registry's CA, hex: who else answers is sent nothing. Goes with https. */
  readonly caFingerprint?: string;
  readonly username: string;
  /** Default: the file's, or a new one of 256 bits. */
  readonly password?: string;
  /** Six hex digits to show beside the device; default: the file's, or new ones. */
  readonly pairingId?: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly requestedRoles?: readonly string[];
  readonly requestedPermissions?: readonly DevicePermission[];
  /** Lets it in, or lets it ask, also while the registry is locked; kept nowhere. */
  readonly enrolmentCode?: string;
  /** Where a password and the progress are kept; run again with the same file, it goes on. */
  readonly file?: string;
  /**
   * A key of its own, and a certificate for it; renewed when two thirds of its life are over. Goes with https. Without `file`
   * there is no password: the key alone asks, and its two files are all that is kept.
   */
  readonly certificate?: CertificateFiles;
  /** Whether to wait for the decision (default), or to ask once, and once more where the name is taken. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: RegistrationStatus) => void;
  /**
   * Called when what is new is on disk: the rights at the first grant, and each new certificate. Where it fails, or the process
   * ends before it is over, the next call calls it again.
   */
  readonly onNew?: (result: Granted) => Promise<void>;
  /** The address of the page, for `link`; default: `url`. */
  readonly pageUrl?: string;
  /** Default: the time that it is. */
  readonly time?: DeviceTime;
}

export interface RegistrationStatus {
  readonly status:
    | 'asking'
    | 'pending'
    | 'locked'
    /** Somebody else holds the name; asked once more, the registry says whether this device may replace it. */
    | 'username-taken'
    | 'replacement-pending'
    | 'busy'
    | 'faulty'
    | 'unreachable';
  readonly pairingId: string | null;
  /** SHA-256 of its key, hex, as the page shows it; null: it has none. */
  readonly keyFingerprint: string | null;
  /** Opens this device's request at the page: to be shown as a QR code, for instance. */
  readonly link: string;
  /** What the registry or the network said. */
  readonly detail: string | null;
  /** Until it asks again. */
  readonly retryInMs: number;
}

/** The certificate that the device now holds. */
export interface CertificateState {
  readonly notAfter: Date;
  /** From then on, the same call renews it. */
  readonly renewAt: Date;
  /** It was written now: whoever uses it has to read it again. */
  readonly isNew: boolean;
}

export interface Granted {
  readonly status: 'granted';
  /** Null: the certificate is good, and nobody answered. */
  readonly registered: Registered | null;
  /** The files said so before anything was asked. */
  readonly already: boolean;
  /** Absent: none was asked for. */
  readonly certificate?: CertificateState;
}

export type RegisterResult =
  | Granted
  /** With `wait: false` alone. `answer`: the body that the registry sent. */
  | {
      readonly status: 'undecided';
      readonly because: RegistrationStatus;
      readonly answer: Readonly<Record<string, unknown>>;
    };

/** The registry refused for good: asking again the same way gives the same answer. */
export class RegistrationRefused extends Error {
  override name = 'RegistrationRefused';
  readonly status: number;
  readonly code: string | null;
  readonly problem: Readonly<Record<string, unknown>>;
  constructor(answer: DoorResponse) {
    super(textIn(answer.body, 'detail') ?? `The registry answered with status ${answer.status}.`);
    this.status = answer.status;
    this.code = textIn(answer.body, 'code');
    this.problem = answer.body;
  }
}

/** The registry has no other certificate for the key than one that has ended. */
export class CertificateEnded extends Error {
  override name = 'CertificateEnded';
  readonly endedAt: Date;
  constructor(endedAt: Date) {
    super(`The certificate of this key has ended, at ${endedAt.toISOString()}.`);
    this.endedAt = endedAt;
  }
}

/**
 * Nobody answered, or the registry is too busy or has a fault; with `wait: false`, or where a certificate is to be renewed that
 * is good for a while.
 */
export class RegistryUnreachable extends Error {
  override name = 'RegistryUnreachable';
  readonly status: RegistrationStatus['status'];
  constructor(because: RegistrationStatus) {
    super(because.detail ?? 'no answer');
    this.status = because.status;
  }
}
