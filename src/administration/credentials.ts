/** Users that are made without a request, and passwords that are set anew. */
import type { GivenRights } from '../../domain/client/client.ts';
import { noRights, over } from '../../domain/rights.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import type { Vault } from '../credentials/vault.ts';
import { sourceKey } from '../platform/networks.ts';
import type { ClientChanges } from './client-changes.ts';
import { type By, existing, withinOwn } from './context.ts';

export interface CredentialAdministrationOptions {
  readonly authority: Authority;
  readonly passwords: Passwords;
  readonly vault: Vault;
  /** Told of a password while it is in memory, before the event that names its credential. */
  readonly onCredential?: (made: {
    username: string;
    credentialId: string;
    password: string;
  }) => void;
}

/** `password`: the one that was made here; null: it was given. */
type DoneWithPassword = Done & { readonly password: string | null };

export function createCredentialAdministration(
  options: CredentialAdministrationOptions,
  { change, heldBy, known, newestWindow, said }: ClientChanges,
) {
  const { authority } = options;

  return {
    async createUser(
      by: By,
      user: {
        username: string;
        password?: string | undefined;
        reason?: string | undefined;
      } & GivenRights,
    ): Promise<DoneWithPassword> {
      const { username, password, reason, ...given } = user;
      const rights = over(noRights, given);
      existing(authority, rights.roles);
      withinOwn(by, authority.effective(username, rights));
      return await withCredential(options, by, username, password, (credentialId) =>
        change(by, username, {
          type: 'CreateClient',
          credentialId,
          rights,
          ...said(by, username, reason ?? null),
        }),
      );
    },

    async rotate(
      by: By,
      username: string,
      { password, reason }: { password?: string | undefined; reason?: string | undefined },
    ): Promise<DoneWithPassword> {
      if (known(username).status !== 'active') throw new Refused('user-not-active');
      return await withCredential(options, by, username, password, (credentialId) =>
        change(by, username, (state) => {
          // Whoever sets a password can use it: that must not give rights that they lack.
          if (username !== by.caller.username) withinOwn(by, heldBy(username, state));
          return {
            type: 'RotateCredential',
            credentialId,
            windowId: newestWindow(),
            ...said(by, username, reason ?? null),
          };
        }),
      );
    },
  };
}

/** Keeps a verifier, and does away with it when what should name it was refused. */
async function withCredential(
  { passwords, vault, onCredential }: CredentialAdministrationOptions,
  by: By,
  username: string,
  given: string | undefined,
  use: (credentialId: string) => Promise<Done>,
): Promise<DoneWithPassword> {
  const password = given ?? generateSecret();
  const verifier = await passwords.verifierOf(username, password, sourceKey(by.source));
  const credentialId = await vault.keep({ kind: 'verifier', username, verifier });
  onCredential?.({ username, credentialId, password });
  try {
    const done = await use(credentialId);
    passwords.remember(username, credentialId, password);
    return { ...done, password: given === undefined ? password : null };
  } catch (error) {
    // Refused: nothing names it. Any other failure may have been recorded: the sweep decides later.
    if (error instanceof Refused && error.code !== 'position-not-reached')
      await vault.destroy(credentialId).catch(() => undefined);
    throw error;
  }
}
