/** A token: lets its bearer act as a user until it ends or is revoked. The log knows its id, never the token. */
import { z } from 'zod';
import { accept, type CommandBase, type Decider, type Decision, event, refuse } from './decider.ts';
import { Permission } from './permission.ts';
import { caused, Id, Instant, Text, Username } from './values.ts';

/** What a token begins with; a password that does is a token or refused (SPEC 4). */
export const tokenPrefix = 'v4.public.';

export const TokenLabel = Text(1, 200);

export const TokenEvent = z.discriminatedUnion('type', [
  event('TokenIssued', {
    tokenId: Id,
    username: Username,
    label: TokenLabel.nullable(),
    kind: z.enum(['login', 'named']),
    expiresAt: Instant,
    /** Which grant of the user, and which password, it was issued under: it ends with them. */
    generation: z.int(),
    loginGeneration: z.int(),
    /** The HTTP permissions that it never goes beyond; absent: its user's own are all its limit. */
    httpLimit: z.array(Permission).optional(),
    ...caused,
  }),
  event('TokenRevoked', { tokenId: Id, username: Username, ...caused }),
]);
export type TokenEvent = z.infer<typeof TokenEvent>;

type TokenCommandBase<Type extends string, Data = unknown> = CommandBase<
  Type,
  { readonly tokenId: string } & Data
>;

export type TokenCommand =
  | TokenCommandBase<
      'IssueToken',
      {
        readonly username: string;
        readonly label: string | null;
        readonly kind: 'login' | 'named';
        readonly expiresAt: string;
        readonly generation: number;
        readonly loginGeneration: number;
        /** Null: none. */
        readonly httpLimit: readonly Permission[] | null;
      }
    >
  | TokenCommandBase<'RevokeToken'>;

export type TokenRefusal = 'token-not-found';

export type TokenState =
  | { readonly status: 'unknown' }
  | { readonly status: 'issued'; readonly username: string }
  | { readonly status: 'revoked' };

const initial: TokenState = { status: 'unknown' };

function evolve(_state: TokenState, { type, data }: TokenEvent): TokenState {
  switch (type) {
    case 'TokenIssued':
      return { status: 'issued', username: data.username };
    case 'TokenRevoked':
      return { status: 'revoked' };
  }
}

function decide(command: TokenCommand, state: TokenState): Decision<TokenEvent, TokenRefusal> {
  switch (command.type) {
    case 'IssueToken': {
      if (state.status !== 'unknown') return accept();
      const { tokenId, username, label, kind, expiresAt, generation, loginGeneration, at, by } =
        command;
      const limit = command.httpLimit === null ? {} : { httpLimit: [...command.httpLimit] };
      return accept({
        type: 'TokenIssued',
        data: {
          ...{ tokenId, username, label, kind, expiresAt, generation, loginGeneration },
          ...{ ...limit, at, by },
        },
      });
    }
    case 'RevokeToken':
      if (state.status === 'unknown') return refuse('token-not-found');
      if (state.status === 'revoked') return accept();
      return accept({
        type: 'TokenRevoked',
        data: {
          tokenId: command.tokenId,
          username: state.username,
          at: command.at,
          by: command.by,
        },
      });
  }
}

export const token: Decider<TokenState, TokenCommand, TokenEvent, TokenRefusal> = {
  category: 'token',
  Event: TokenEvent,
  initial,
  decide,
  evolve,
};
