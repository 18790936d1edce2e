/** Who is judged before the broker is asked: clients that come in by a certificate, for whom it has the registry's own secret. */
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Authenticator, ShownCertificate } from '../ports/authenticator.ts';
import type { ClientIds } from './client-ids.ts';
import type { ConnectSeen } from './packets.ts';

/** What a gateway needs to admit clients by certificates, before a broker whose accounts this registry keeps. */
export interface Judging {
  /** The certificate of this registry that a client showed; null: none. */
  certificateOf(socket: TLSSocket): ShownCertificate | null;
  /** Whether it opens at this moment. */
  isGood(certificate: ShownCertificate): boolean;
  /** Whether every client is judged, since the broker lets passwords in alone. */
  readonly all: boolean;
  /** Whether the broker knows this client by the registry's own secret, and by no password of its own. */
  isJudged(username: string): boolean;
  /** That secret. */
  ownSecretOf(credentialId: string): string;
  /** Whether somebody has this name, and access. */
  isUsername(name: string): boolean;
}

export type EarlyAnswer =
  /** Left to the broker. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }
  /** Refused too, but the broker is asked with a password of nobody's: its answer takes as long as for any other name. */
  | { readonly kind: 'feigned'; readonly username: string; readonly password: string }
  /** The client id is somebody else's. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'proven'; readonly username: string; readonly password: string };

interface ConnectShown {
  readonly source: string | null;
  readonly certificate: ShownCertificate | null;
  readonly clientIds: ClientIds | undefined;
}

export async function earlyAnswer(
  judging: Judging | undefined,
  authenticator: Authenticator,
  { username, password, clientId }: ConnectSeen,
  { source, certificate, clientIds }: ConnectShown,
): Promise<EarlyAnswer> {
  const isJudged =
    certificate !== null ||
    judging?.all === true ||
    (username !== undefined && judging?.isJudged(username) === true);
  // Who has the right password alone learns that an id is taken.
  const mayBeTaken =
    username !== undefined &&
    clientIds?.belongsToOther(clientId, { username, pinnedClientId: null }) === true;
  if (judging === undefined || !(isJudged || mayBeTaken)) return { kind: 'none' };
  const attempt = { username, password, clientId, source, certificate };
  const answer = await authenticator.authenticate(attempt);
  if (!answer.admitted) {
    const isTold = answer.reason === 'unavailable' || certificate !== null || judging.all;
    if (isTold || username === undefined) return { kind: answer.reason };
    return { kind: 'feigned', username, password: randomBytes(32).toString('base64url') };
  }
  const { admission } = answer;
  if (clientIds?.belongsToOther(clientId, admission)) return { kind: 'taken' };
  if (!isJudged) return { kind: 'none' };
  // Tokens are no passwords at a broker that knows nothing of their end.
  const mayBe =
    admission.credentialId !== null &&
    admission.tokenId === null &&
    (admission.pinnedClientId === null || admission.pinnedClientId === clientId);
  if (!mayBe || admission.credentialId === null) return { kind: 'refused' };
  return {
    kind: 'proven',
    username: admission.username,
    password: judging.ownSecretOf(admission.credentialId),
  };
}
