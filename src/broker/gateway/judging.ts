/** Who is judged before the broker is asked: clients that come in by a certificate, for whom it has the registry's own secret. */
import type { TLSSocket } from 'node:tls';
import type { Authenticator, ShownCertificate } from '../ports/authenticator.ts';
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
}

export type EarlyAnswer =
  /** Left to the broker. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'proven'; readonly username: string; readonly password: string };

export async function earlyAnswer(
  judging: Judging | undefined,
  authenticator: Authenticator,
  { username, password, clientId }: ConnectSeen,
  { source, certificate }: { source: string | null; certificate: ShownCertificate | null },
): Promise<EarlyAnswer> {
  const isJudged =
    certificate !== null ||
    judging?.all === true ||
    (username !== undefined && judging?.isJudged(username) === true);
  if (judging === undefined || !isJudged) return { kind: 'none' };
  const attempt = { username, password, clientId, source, certificate };
  const answer = await authenticator.authenticate(attempt);
  if (!answer.admitted) return { kind: answer.reason };
  const { admission } = answer;
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
