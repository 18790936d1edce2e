/** The keys that sign tokens: another one takes over, with the old one beside it or in its place. */
import { token } from '../../domain/token.ts';
import type { TokenRow } from '../../projections/tokens.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { tokensEndedAtOnceMax } from '../limits/credentials.ts';
import { addMs } from '../platform/instant.ts';
import { pagesBetween } from '../read-models/every-row.ts';
import type { Rows } from '../read-models/row-table.ts';
import { actorOf, type CommandContext } from './context.ts';

const tokensReadAtOnce = 1_000;

export interface KeyAdministrationOptions extends RecordingOptions {
  readonly tokens: Tokens;
  readonly rows: { readonly tokens: Rows<TokenRow> };
  /** Milliseconds that a registration token may outlive this moment. */
  readonly registrationTokenMs: number;
  readonly now: () => string;
}

export function createKeyAdministration(options: KeyAdministrationOptions) {
  const { tokens, rows, now } = options;

  /** The old key goes on verifying until the last token it signed has ended. */
  async function overlap(): Promise<Done> {
    const last = rows.tokens.greatest('expiresAt');
    const registration = addMs(now(), options.registrationTokenMs);
    const until = typeof last === 'string' && last > registration ? last : registration;
    await tokens.rotate({ until });
    return { position: options.position() };
  }

  /**
   * Every key but a new one ends first, so that nothing is signed with them meanwhile; then every token is
   * revoked, the caller's too: its sessions end with it, and the history tells who did it.
   */
  async function retire(context: CommandContext): Promise<Done> {
    context.authorize();
    await tokens.rotate({ until: now(), retiresAll: true });
    const by = actorOf(context);
    const unended = { column: 'expiresAt', atLeast: now(), limit: tokensReadAtOnce };
    const live = [...pagesBetween(rows.tokens, unended)].flat();
    let position = options.position();
    for (let at = 0; at < live.length; at += tokensEndedAtOnceMax) {
      const ended = live.slice(at, at + tokensEndedAtOnceMax).map(({ tokenId }) => {
        const revoke = () => ({ type: 'RevokeToken' as const, tokenId, at: now(), by });
        return record(options, token, tokenId, revoke, context.cause, () =>
          options.atHand.token(tokenId),
        );
      });
      for (const done of await Promise.all(ended))
        if (done.position > position) position = done.position;
    }
    return { position };
  }

  return {
    rotateKeys: (
      context: CommandContext,
      { retireNow }: { readonly retireNow?: boolean | undefined },
    ): Promise<Done> => (retireNow === true ? retire(context) : overlap()),
  };
}
