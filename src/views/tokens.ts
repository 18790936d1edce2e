/** Tokens, with when each stopped letting anybody in, and the public keys that verify them. */
import type { ClientRow } from '../../projections/clients.ts';
import type { TokenRow } from '../../projections/tokens.ts';
import type { Tokens } from '../credentials/tokens.ts';
import type { Rows } from '../read-models/row-table.ts';
import { mapPage, type Paging } from './paging.ts';

export interface TokenViewOptions {
  readonly rows: { readonly tokens: Rows<TokenRow>; readonly clients: Rows<ClientRow> };
  readonly tokens: Tokens;
}

export function createTokenViews({ rows, tokens }: TokenViewOptions) {
  /** Revoked, or ended with the access or the password of its user. */
  function tokenOf(row: TokenRow) {
    const client = rows.clients.get(row.username);
    const state = client?.state;
    const over =
      row.revokedAt === null &&
      client !== undefined &&
      (state?.generation !== row.generation ||
        (row.kind === 'login' && state.loginGeneration !== row.loginGeneration) ||
        !(client.status === 'active' || client.status === 'suspended'));
    return {
      tokenId: row.tokenId,
      username: row.username,
      label: row.label,
      kind: row.kind,
      issuedAt: row.issuedAt,
      issuedBy: row.issuedBy,
      expiresAt: row.expiresAt,
      revokedAt: over ? (client?.tokensEndedAt ?? client?.changedAt ?? null) : row.revokedAt,
    };
  }

  return {
    token(tokenId: string) {
      const row = rows.tokens.get(tokenId);
      return row && tokenOf(row);
    },

    tokens: (username: string, query: Paging) =>
      mapPage(
        rows.tokens.find({ where: [{ column: 'username', is: username }], ...query }),
        tokenOf,
      ),

    publicKeys: () => ({ issuer: 'gatebook', keys: [...tokens.publicKeys()] }),
  };
}
