/** Users that are made without a request, and passwords that are set anew. */
import { type Client, credentialIdsOf, type GivenRights } from '../../domain/client/client.ts';
import { httpPermissionsOf } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import type { Vault } from '../credentials/vault.ts';
import { rotationsPerUserPerMinute } from '../limits/credentials.ts';
import { sourceKey } from '../platform/networks.ts';
import { createThrottle } from '../platform/throttle.ts';
import type { ClientChanges } from './client-changes.ts';
import { type CommandContext, requireOwnRights, requireRoles } from './context.ts';

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

/** A password whose verifier is in the vault already: it waited there for approvers. */
interface KeptPassword {
  readonly credentialId: string;
}

/** `password`: the one that was made here; null: it was given. */
type DoneWithPassword = Done & { readonly password: string | null };

export function createCredentialAdministration(
  options: CredentialAdministrationOptions,
  changes: ClientChanges,
) {
  const { authority } = options;
  const { change, stamp } = changes;
  const countRotation = createRotationLimit();

  return {
    keepPassword: keepingPasswords(options),

    async createUser(
      context: CommandContext,
      user: {
        username: string;
        password?: string | KeptPassword | undefined;
        reason?: string | undefined;
      } & GivenRights,
    ): Promise<DoneWithPassword> {
      const { username, password, reason, ...given } = user;
      const rights = mergeRights(noRights, given);
      requireRoles(authority, rights.roles);
      requireOwnRights(context, authority.effective(username, rights));
      return await withCredential(options, context, username, password, (credentialId) =>
        change(context, username, (state) => {
          requireUnchanged(context, state, credentialId);
          // Again: the slow hash took its time, and so may what others decided meanwhile.
          requireOwnRights(context, authority.effective(username, rights));
          return {
            type: 'CreateClient',
            credentialId,
            rights,
            httpOfRoles: changes.httpOfRoles(rights.roles),
            httpLimit: httpPermissionsOf(context.authorize().permissions),
            ...stamp(context, username, reason ?? null),
          };
        }),
      );
    },

    rotate: async (
      context: CommandContext,
      username: string,
      rotation: Rotation,
    ): Promise<DoneWithPassword> => {
      if (changes.requireUser(username).status !== 'active') throw new Refused('user-not-active');
      if (username === context.caller.username) countRotation(username);
      return await rotated(options, changes, context, username, rotation);
    },
  };
}

interface Rotation {
  readonly password?: string | KeptPassword | undefined;
  readonly reason?: string | undefined;
  readonly endTokens?: boolean | undefined;
}

const rotated = async (
  options: CredentialAdministrationOptions,
  { change, heldBy, newestWindow, stamp }: ClientChanges,
  context: CommandContext,
  username: string,
  { password, reason, endTokens }: Rotation,
): Promise<DoneWithPassword> =>
  await withCredential(options, context, username, password, (credentialId) =>
    change(context, username, (state) => {
      requireUnchanged(context, state, credentialId);
      // Whoever sets a password can use it: that must not give rights that they lack.
      if (username !== context.caller.username) requireOwnRights(context, heldBy(username, state));
      return {
        type: 'RotateCredential',
        credentialId,
        httpLimit: limitOf(context, username),
        namedTokens: endTokens === true ? 'ended' : 'kept',
        windowId: newestWindow(),
        ...stamp(context, username, reason ?? null),
      };
    }),
  );

/** Keeps the verifier of a password for a command that waits for approvers. @throws HashingBusy */
const keepingPasswords =
  ({ passwords, vault }: CredentialAdministrationOptions) =>
  async (
    { source }: Pick<CommandContext, 'source'>,
    username: string,
    password: string,
  ): Promise<KeptPassword> => {
    const lane = 'sign-in';
    const verifier = await passwords.verifierOf(username, password, sourceKey(source), lane);
    return { credentialId: await vault.keep({ kind: 'verifier', username, verifier }) };
  };

/** What was done before a crash is told again, and not done again where others undid it. @throws Refused */
function requireUnchanged({ making }: CommandContext, state: Client, credentialId: string): void {
  if (making.isBegun && !credentialIdsOf(state).includes(credentialId))
    throw new Refused('approval-ended');
}

/** Whoever has no right but to their own password does not fill the log with it. */
function createRotationLimit(): (username: string) => void {
  const rotations = createThrottle(rotationsPerUserPerMinute);
  return (username) => {
    const seconds = rotations.waitSeconds(username);
    if (seconds > 0)
      throw new Refused('login-throttled', {
        detail: `This name changed its password ${rotationsPerUserPerMinute} times in a minute: wait.`,
        retryAfterSeconds: seconds,
      });
    rotations.count(username);
  };
}

/**
 * What a password never goes beyond (docs/decisions/0012): what whoever sets it could give. One's own passes on
 * the limit of the token it is set with: whoever made the password of before may be the one who sets the next.
 */
const limitOf = (context: CommandContext, username: string): readonly Permission[] | null => {
  const caller = context.authorize();
  return username === caller.username ? caller.httpLimit : httpPermissionsOf(caller.permissions);
};

/** Keeps a verifier, and does away with it when what should name it was refused. */
async function withCredential(
  { passwords, vault, onCredential }: CredentialAdministrationOptions,
  context: CommandContext,
  username: string,
  given: string | KeptPassword | undefined,
  use: (credentialId: string) => Promise<Done>,
): Promise<DoneWithPassword> {
  if (typeof given === 'object') return { ...(await use(given.credentialId)), password: null };
  const { making } = context;
  const password = given ?? generateSecret(making);
  const verifier = await passwords.verifierOf(
    username,
    password,
    sourceKey(context.source),
    'sign-in',
  );
  const credentialId = making.id('credential');
  // A crash may have come after it was kept.
  const isKept = making.isSeeded && (await vault.open(credentialId)) !== undefined;
  if (!isKept) await vault.keep({ kind: 'verifier', username, verifier }, credentialId);
  onCredential?.({ username, credentialId, password });
  try {
    const done = await use(credentialId);
    passwords.remember(username, credentialId, password);
    return { ...done, password: given === undefined ? password : null };
  } catch (error) {
    // Refused: nothing names it. Any other failure may have been recorded: the sweep decides later, and where
    // another node may be at the same.
    if (error instanceof Refused && error.code !== 'position-not-reached' && !making.isSeeded)
      await vault.destroy(credentialId).catch(() => undefined);
    throw error;
  }
}
