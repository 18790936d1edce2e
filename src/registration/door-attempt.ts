/** What somebody shows at a door, and which of a name's credentials that is. */
import type { ClientKey } from '../../domain/client/events.ts';
import { type Client, credentialsOf, isKeyAlone } from '../../domain/client/state.ts';
import type { Permission } from '../../domain/permission.ts';
import type { Gone } from '../credentials/passwords/hash-queue.ts';
import type { Proof } from '../credentials/passwords/proofs.ts';
import { type Soon, soon } from '../platform/soon.ts';

export interface DoorAttempt {
  readonly username: string;
  /** Null: its CSR alone. */
  readonly password: string | null;
  /** The key of its CSR; absent: it has none. */
  readonly key?: ClientKey | null;
  /** A code that was sent apart from the password; absent or null: none. */
  readonly enrolmentCode?: string | null;
  /** The client's address; null where it is not known. */
  readonly source: string | null;
  readonly flow: 'explicit' | 'implicit';
  /** How it came by the explicit flow; absent: by REST. */
  readonly door?: 'est';
  readonly clientId: string | null;
  /** Null: the registry makes one, where the client can be told. */
  readonly pairingId: string | null;
  readonly context: Readonly<Record<string, string>> | null;
  readonly requestedRoles: string[];
  readonly requestedPermissions: Permission[];
  /** False: it may only prove a credential that is known, never become a request. */
  readonly mayAsk?: boolean;
  /** Where nobody waits for the answer any more its password is not hashed; absent: that is not known. */
  readonly gone?: Gone;
}

/** By what attempts are counted: their flow, or the door of it that has a name of its own. */
export type CountedFlow = DoorAttempt['flow'] | 'est';
export const countedFlow = ({ flow, door }: Pick<DoorAttempt, 'flow' | 'door'>): CountedFlow =>
  door ?? flow;

/**
 * Which known credential of the name is offered: by the password where one was given, beside no other key than the
 * credential's own, else by the key of the CSR (SPEC 4); null: none. A CSR is no secret: it proves nothing beside a
 * wrong password.
 */
export function matching(
  { password, key = null }: Pick<DoorAttempt, 'password' | 'key'>,
  proof: Pick<Proof, 'proves'>,
  state: Client,
): Soon<string | null> {
  const credentials = credentialsOf(state);
  const matchingFrom = (at: number): Soon<string | null> => {
    const credential = credentials[at];
    if (credential === undefined) return null;
    const { credentialId, keyFingerprint } = credential;
    const isSameKey = key !== null && keyFingerprint === key.fingerprint;
    const isOtherKey = key !== null && keyFingerprint !== null && !isSameKey;
    if (isSameKey && (password === null || isKeyAlone(state, credentialId))) return credentialId;
    if (password === null || isOtherKey) return matchingFrom(at + 1);
    return soon(proof.proves(credentialId), (isIts) =>
      isIts ? credentialId : matchingFrom(at + 1),
    );
  };
  return matchingFrom(0);
}
