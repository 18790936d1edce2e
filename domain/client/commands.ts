/** What may be asked of a client, and the reasons to refuse. The clock and the caller arrive inside. */

import type { Permission } from '../permission.ts';
import type { Actor } from '../values.ts';
import type { Rights } from './events.ts';

type Asked<Type extends string, Data = unknown> = {
  readonly type: Type;
  readonly username: string;
  readonly at: string;
  readonly by: Actor;
} & Data;

/** Somebody stands at a door with a credential. What the edge found out beforehand comes along. */
export type Knocking = Asked<
  'RequestRegistration',
  {
    /** Which known credential of this name the offered one is; null: none of them. */
    readonly matched: string | null;
    /** The newest window, open or over; null: there was none yet. */
    readonly windowId: string | null;
    /** `open`: unlocked, and its limits admit this name and source. */
    readonly gate: 'open' | 'locked' | 'filtered';
    readonly room: 'free' | 'window-full' | 'pending-full';
    /** Whether the name holds any HTTP right now. */
    readonly holdsHttpRights: boolean;
    readonly requestId: string;
    readonly credentialId: string;
    readonly flow: 'explicit' | 'implicit';
    readonly pairingId: string | null;
    readonly expiresAt: string;
    readonly personalKeyId: string;
    readonly source: string | null;
    readonly clientId: string | null;
    readonly context: string | null;
    readonly requestedRoles: string[];
    readonly requestedPermissions: Permission[];
  }
>;

/** Rights in a grant: absent is none, in a replacement as they were. */
export type GivenRights = { readonly [Name in keyof Rights]?: Rights[Name] | undefined };

export type ClientCommand =
  | Knocking
  | Asked<
      'GrantRegistration',
      {
        readonly requestId: string;
        readonly rights: GivenRights;
        readonly reason: string | null;
        readonly confirmContested: boolean;
        readonly inBulk: boolean;
        /** Whether the name holds any HTTP right now: then it takes no replacement. */
        readonly holdsHttpRights: boolean;
      }
    >
  | Asked<
      'DenyRegistration',
      {
        readonly requestId: string;
        readonly windowId: string | null;
        readonly reason: string | null;
        readonly blockedUntil: string | null;
      }
    >
  | Asked<'ExpireRegistration', { readonly requestId: string }>
  | Asked<'EndChallenge', { readonly windowId: string | null }>
  | Asked<
      'CreateClient',
      { readonly credentialId: string; readonly rights: Rights; readonly reason: string | null }
    >
  | Asked<
      'ChangeAuthorization',
      {
        readonly rights: Rights;
        readonly reason: string | null;
        readonly windowId: string | null;
        /** Whether the new rights hold any HTTP right: then a challenger's waiting ends. */
        readonly holdsHttpRights: boolean;
      }
    >
  | Asked<
      'RotateCredential',
      {
        readonly credentialId: string;
        readonly reason: string | null;
        readonly windowId: string | null;
      }
    >
  | Asked<'SuspendAccess', { readonly reason: string | null; readonly windowId: string | null }>
  | Asked<'ResumeAccess', { readonly reason: string | null }>
  | Asked<'RevokeAccess', { readonly reason: string | null; readonly windowId: string | null }>
  | Asked<'ReinstateAccess', { readonly reason: string | null }>
  | Asked<'EraseClient', { readonly reason: string | null; readonly windowId: string | null }>
  | Asked<'ExpireAccess', { readonly windowId: string | null }>;

export type Ask<Type extends ClientCommand['type']> = Extract<ClientCommand, { type: Type }>;

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
  | 'user-not-revoked';
