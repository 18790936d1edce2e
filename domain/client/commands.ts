/** What may be asked of a client, and the reasons to refuse. The clock and the caller arrive inside. */

import type { CommandBase, CommandOf, Decision } from '../decider.ts';
import type { Permission } from '../permission.ts';
import type { ClientEvent, ClientKey, Rights } from './events.ts';

type ClientCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly username: string } & Data
>;

/** What a rule does for an attempt at a free name. */
interface Preauthorized {
  readonly preauthorizationId: string;
  readonly effect: 'allow' | 'ask';
  readonly rights: Rights;
  /** Its proof was the key: that alone is let in, never a password that came along. */
  readonly keyAlone: boolean;
}

/** A registration attempt, with the facts that were looked up for it. */
export type RequestRegistration = ClientCommandBase<
  'RequestRegistration',
  {
    /** Which known credential of this name the offered one is; null: none of them. */
    readonly matched: string | null;
    /** The newest window, open or over; null: there was none yet. */
    readonly windowId: string | null;
    /** `open`: unlocked, and its limits admit this name and source. */
    readonly gate: 'open' | 'locked' | 'filtered';
    /** The rule that lets it in, or ask, its use taken already; absent or null: none. */
    readonly preauthorized?: Preauthorized | null;
    readonly capacity: 'free' | 'window-full' | 'pending-full';
    /** Whether the name holds any HTTP right now. */
    readonly holdsHttpRights: boolean;
    readonly requestId: string;
    readonly credentialId: string;
    readonly flow: 'explicit' | 'implicit';
    /** How it came by the explicit flow; absent: by REST. */
    readonly door?: 'est' | undefined;
    readonly pairingId: string | null;
    readonly expiresAt: string;
    readonly personalKeyId: string;
    readonly source: string | null;
    readonly clientId: string | null;
    readonly context: string | null;
    readonly requestedRoles: string[];
    readonly requestedPermissions: Permission[];
    /** The key of its CSR; null: it has none. */
    readonly csr: ClientKey | null;
  }
>;

/** What roles give of HTTP as the rights are given, where they are never to give more; absent, null: no limit. */
interface LimitedRoles {
  readonly httpOfRoles?: readonly Permission[] | null;
}

/** Rights in a grant: absent is none, in a replacement as they were. */
export type GivenRights = { readonly [Name in keyof Rights]?: Rights[Name] | undefined };

export type ClientCommand =
  | RequestRegistration
  | ClientCommandBase<
      'GrantRegistration',
      {
        readonly requestId: string;
        readonly rights: GivenRights;
        readonly reason: string | null;
        readonly confirmContested: boolean;
        readonly inBulk: boolean;
        /** Whether the name holds any HTTP right now: then it takes no replacement. */
        readonly holdsHttpRights: boolean;
      } & LimitedRoles
    >
  | ClientCommandBase<
      'DenyRegistration',
      {
        readonly requestId: string;
        readonly windowId: string | null;
        readonly reason: string | null;
        readonly blockedUntil: string | null;
      }
    >
  | ClientCommandBase<'ExpireRegistration', { readonly requestId: string }>
  | ClientCommandBase<'EndChallenge', { readonly windowId: string | null }>
  | ClientCommandBase<
      'CreateClient',
      {
        readonly credentialId: string;
        /** The verifier that was made elsewhere, and stands for the credential until its first use; absent: none. */
        readonly foreignVerifierId?: string | null;
        readonly rights: Rights;
        readonly reason: string | null;
        /** What the password never goes beyond, where somebody else sets it; null: no limit. */
        readonly httpLimit: readonly Permission[] | null;
      } & LimitedRoles
    >
  | ClientCommandBase<
      'ResetAdministrator',
      {
        readonly credentialId: string;
        readonly reason: string | null;
        readonly windowId: string | null;
      }
    >
  /** A person was proven by the identity provider, with groups that give these rights until their end. */
  | ClientCommandBase<
      'SignInPerson',
      {
        readonly personId: string;
        readonly issuer: string;
        readonly credentialId: string;
        readonly rights: Rights;
      }
    >
  /** The same, but no group of theirs gives anything any more. */
  | ClientCommandBase<'EndPersonAccess', { readonly personId: string; readonly reason: string }>
  | ClientCommandBase<
      'ChangeAuthorization',
      {
        readonly rights: Rights;
        readonly reason: string | null;
        readonly windowId: string | null;
        /** Whether the new rights hold any HTTP right: then a challenger's waiting ends. */
        readonly holdsHttpRights: boolean;
      } & LimitedRoles
    >
  | ClientCommandBase<
      'RotateCredential',
      {
        readonly credentialId: string;
        readonly httpLimit: readonly Permission[] | null;
        readonly namedTokens: 'ended' | 'kept';
        readonly reason: string | null;
        readonly windowId: string | null;
      }
    >
  /** Tells of a certificate that was signed for the key of a credential. */
  | ClientCommandBase<
      'IssueCertificate',
      {
        readonly credentialId: string;
        readonly csr: ClientKey;
        readonly serial: string;
        readonly notAfter: string;
        readonly certificate: string;
      }
    >
  /** The same for a next one, authorised by the one that was shown. */
  | ClientCommandBase<
      'RenewCertificate',
      {
        /** Serial of the certificate in hand. */
        readonly shown: string;
        readonly csr: ClientKey;
        readonly serial: string;
        readonly notAfter: string;
        readonly certificate: string;
      }
    >
  | ClientCommandBase<'TakeCertificate', { readonly serial: string }>
  | ClientCommandBase<'ContestCertificate', { readonly serial: string }>
  | ClientCommandBase<
      'SuspendAccess',
      { readonly reason: string | null; readonly windowId: string | null }
    >
  | ClientCommandBase<'ResumeAccess', { readonly reason: string | null }>
  | ClientCommandBase<
      'RevokeAccess',
      { readonly reason: string | null; readonly windowId: string | null }
    >
  | ClientCommandBase<'ReinstateAccess', { readonly reason: string | null }>
  | ClientCommandBase<
      'EraseClient',
      { readonly reason: string | null; readonly windowId: string | null }
    >
  | ClientCommandBase<'ExpireAccess', { readonly windowId: string | null }>
  /** Tells that access ends within so many milliseconds; the end that was looked at comes along. */
  | ClientCommandBase<'WarnOfEnd', { readonly endsAt: string; readonly leadMs: number }>;

export type ClientCommandOf<Type extends ClientCommand['type']> = CommandOf<ClientCommand, Type>;

/** The answers of the door that are no admission, in the order of SPEC 4. */
export type DoorRefusal =
  | 'replacement-pending'
  | 'access-suspended'
  | 'access-revoked'
  | 'access-expired'
  | 'registration-denied'
  | 'registry-locked'
  | 'username-taken'
  | 'window-full'
  | 'pending-full';

export type ClientRefusal =
  | DoorRefusal
  | 'request-not-found'
  | 'request-contested'
  | 'replacement-not-in-bulk'
  | 'request-already-granted'
  | 'request-already-denied'
  | 'request-expired'
  | 'user-not-found'
  | 'user-not-active'
  | 'user-not-suspended'
  | 'user-not-revoked'
  | 'user-from-sso'
  | 'sso-not-permitted'
  | 'sso-username-taken';

/** What is recorded of a command, or why it is refused. */
export type ClientDecision = Decision<ClientEvent, ClientRefusal>;
