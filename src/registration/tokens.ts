/** The token a pending client polls with, so that its password need not be sent again and again. */
import type { Tokens } from '../credentials/tokens.ts';

/** It outlives the request by this much, so that the outcome can still be told. */
export const registrationTokenGraceMs = 24 * 60 * 60 * 1_000;

export interface RegistrationTokens {
  tokenFor(request: {
    readonly username: string;
    readonly requestId: string;
    readonly expiresAt: string;
  }): Promise<string>;
  /** Null: the token is none of ours, or has ended. */
  requestIdOf(token: string): Promise<string | null>;
}

export const createRegistrationTokens = (
  tokens: Tokens,
  now: () => string,
): RegistrationTokens => ({
  tokenFor: ({ username, requestId, expiresAt }) =>
    tokens.sign({
      subject: username,
      id: requestId,
      audience: 'gatebook:registration',
      issuedAt: new Date(now()),
      expiresAt: new Date(Date.parse(expiresAt) + registrationTokenGraceMs),
    }),
  requestIdOf: async (token) => (await tokens.verify(token, 'gatebook:registration'))?.id ?? null,
});
