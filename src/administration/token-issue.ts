/** Makes a token: signed, and recorded under the grant and the password that it is good with. */
import { randomUUID } from 'node:crypto';
import type { Permission } from '../../domain/permission.ts';
import { token } from '../../domain/token.ts';
import type { Actor } from '../../domain/values.ts';
import type { Principal } from '../authority.ts';
import type { Cause } from '../commands/handle.ts';
import { type RecordingOptions, record } from '../commands/record.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { addMs } from '../platform/instant.ts';

export interface TokenIssueOptions extends RecordingOptions {
  readonly tokens: Tokens;
  readonly now: () => string;
}

export const loginHours = 12;
const hourMs = 60 * 60 * 1_000;

interface WantedToken {
  readonly kind: 'login' | 'named';
  readonly label: string | null;
  readonly hours: number;
  /** It ends then, if that is sooner; null: after its hours. */
  readonly endsAt: string | null;
  readonly by: Actor;
}

/** @param limitNow the HTTP permissions that it never goes beyond, as it is recorded; throws where nobody may issue it then */
export async function issue(
  options: TokenIssueOptions,
  principal: Principal,
  { kind, label, hours, endsAt, by }: WantedToken,
  cause: Cause,
  limitNow: () => readonly Permission[] | null,
) {
  const { username, generation, loginGeneration } = principal.row;
  const tokenId = randomUUID();
  const at = options.now();
  const afterHours = addMs(at, hours * hourMs);
  const expiresAt = endsAt !== null && endsAt < afterHours ? endsAt : afterHours;
  const text = await options.tokens.sign({
    subject: username,
    id: tokenId,
    audience: 'gatebook',
    issuedAt: new Date(at),
    expiresAt: new Date(expiresAt),
  });
  const issueIt = () => ({
    ...{ type: 'IssueToken' as const, httpLimit: limitNow() },
    ...{ tokenId, username, label, kind, expiresAt, generation, loginGeneration, at, by },
  });
  const done = await record(options, token, tokenId, issueIt, cause, () =>
    options.atHand.token(tokenId),
  );
  return { tokenId, token: text, ...done };
}
