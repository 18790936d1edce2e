/** The tokens that were issued, and when one was revoked. */

import type { Permission } from '../domain/permission.ts';
import { TokenEvent } from '../domain/token.ts';
import type { Projection } from './projection.ts';

export interface TokenRow {
  readonly tokenId: string;
  readonly username: string;
  readonly label: string | null;
  readonly kind: 'login' | 'named';
  readonly issuedAt: string;
  readonly issuedBy: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly generation: number;
  readonly loginGeneration: number;
  /** The HTTP permissions that it never goes beyond; null: none was recorded. */
  readonly httpLimit: readonly Permission[] | null;
}

/** What the tokens of a name and kind that were not revoked are found by. */
export const unrevokedOf = ({ kind, username }: Pick<TokenRow, 'kind' | 'username'>): string =>
  `${kind} ${username}`;

export const tokens: Projection<TokenRow, TokenEvent> = {
  name: 'tokens',
  version: 3,
  reads: ['token'],
  Event: TokenEvent,
  key: ({ data }) => data.tokenId,
  evolve: (row, { type, data }) => {
    switch (type) {
      case 'TokenIssued':
        return {
          tokenId: data.tokenId,
          username: data.username,
          label: data.label,
          kind: data.kind,
          issuedAt: data.at,
          issuedBy: data.by.name,
          expiresAt: data.expiresAt,
          revokedAt: null,
          generation: data.generation,
          loginGeneration: data.loginGeneration,
          httpLimit: data.httpLimit ?? null,
        };
      case 'TokenRevoked':
        return row && { ...row, revokedAt: data.at };
    }
  },
  columns: {
    username: (row) => row.username,
    expiresAt: (row) => (row.revokedAt === null ? row.expiresAt : null),
    /** Whose it is and of which kind, unless it was revoked: found without those that were. */
    unrevoked: (row) => (row.revokedAt === null ? unrevokedOf(row) : null),
  },
};
