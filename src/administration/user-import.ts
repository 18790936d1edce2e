/** Many clients that move in from elsewhere at once: each with what its password was checked with there, or with none. */
import type { ClientCommand } from '../../domain/client/commands.ts';
import { foreignHashIn } from '../../domain/client/foreign-hash.ts';
import type { Client } from '../../domain/client/state.ts';
import { httpPermissionsOf } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import { type ImportedUser, importedUsersMax } from '../api/input.ts';
import type { Authority } from '../authority.ts';
import type { Done } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import type { ForeignVerifiers } from '../credentials/passwords/foreign-verifiers.ts';
import { generateSecret, type Passwords } from '../credentials/passwords/passwords.ts';
import { newSecretId } from '../credentials/secret-id.ts';
import type { Vault } from '../credentials/vault.ts';
import { sourceKey } from '../platform/networks.ts';
import type { ClientChanges } from './client-changes.ts';
import { type CommandContext, requireRoles } from './context.ts';

export interface UserImportOptions {
  readonly authority: Authority;
  readonly passwords: Passwords;
  readonly vault: Vault;
  readonly position: () => string;
  readonly foreign: Pick<ForeignVerifiers, 'learn'>;
}

/** By username: verifiers of ours or from elsewhere; a name without one gets a password that nobody knows. */
type Verifiers = ReadonlyMap<string, string>;

/** Where the verifiers wait for approvers: one secret of the vault. */
interface KeptVerifiers {
  readonly credentialId: string;
}

/** What became of each, in their order; undefined: it was made. */
interface ImportedUsers extends Done {
  readonly errors: readonly unknown[];
}

export function createUserImport(options: UserImportOptions, changes: ClientChanges) {
  const { authority, passwords, vault } = options;

  /** @throws HashingBusy */
  async function verifierOf(
    { source }: Pick<CommandContext, 'source'>,
    { username, password, verifier }: ImportedUser,
  ): Promise<string | undefined> {
    if (password === undefined) return verifier;
    return await passwords.verifierOf(username, password, sourceKey(source), 'sign-in');
  }

  return {
    /** Keeps all verifiers for an import that waits for approvers. @throws HashingBusy */
    async keepVerifiers(
      context: CommandContext,
      users: readonly ImportedUser[],
    ): Promise<KeptVerifiers> {
      const verifiers = new Map<string, string>();
      const repeated = repeatedIn(users);
      for (const user of users) {
        if (repeated.has(user)) continue;
        const verifier = await verifierOf(context, user);
        if (verifier !== undefined) verifiers.set(user.username, verifier);
      }
      const { username } = context.caller;
      const kept = { username, verifiers: Object.fromEntries(verifiers) };
      return { credentialId: await vault.keep({ kind: 'verifiers', ...kept }) };
    },

    /**
     * Makes those whose names nobody ever held; each for itself, so that one refusal stops no other. Of a name that
     * stands there twice the first one counts, whatever becomes of it.
     */
    async importUsers(
      context: CommandContext,
      users: readonly ImportedUser[],
      { reason, kept }: { readonly reason: string | null; readonly kept: KeptVerifiers | null },
    ): Promise<ImportedUsers> {
      const waited = kept === null ? null : await openVerifiers(vault, kept);
      const repeated = repeatedIn(users);
      const errors: unknown[] = [];
      let position = options.position();
      for (let at = 0; at < users.length; at += importedUsersMax) {
        const portion = users.slice(at, at + importedUsersMax).map(async (user) => {
          try {
            if (repeated.has(user)) throw new Refused('username-taken', { detail: twiceNamed });
            requireNoHttp(authority, user);
            const verifier =
              waited === null ? await verifierOf(context, user) : waited.get(user.username);
            const done = await make(options, changes, context, { user, verifier, reason });
            if (done.position > position) position = done.position;
            return undefined;
          } catch (error) {
            return error;
          }
        });
        errors.push(...(await Promise.all(portion)));
      }
      return { position, errors };
    },
  };
}

const twiceNamed = 'This name stands before in the same import, and its first place counts.';

/** Those whose name stands before: they are made at once, so that chance would choose between rights and passwords. */
function repeatedIn(users: readonly ImportedUser[]): ReadonlySet<ImportedUser> {
  const names = new Set<string>();
  return new Set(
    users.filter(({ username }) => {
      const isRepeated = names.has(username);
      names.add(username);
      return isRepeated;
    }),
  );
}

/** @throws Refused `approval-changed` where they were swept: the import is to be sent again */
async function openVerifiers(
  vault: Pick<Vault, 'open'>,
  { credentialId }: KeptVerifiers,
): Promise<Verifiers> {
  const secret = await vault.open(credentialId);
  if (secret?.kind !== 'verifiers') throw new Refused('approval-changed');
  // Names are chosen elsewhere: one that every object has is not found in a map.
  return new Map(Object.entries(secret.verifiers));
}

/** Whoever asks: people get their rights from people (SPEC 3). @throws Refused `rights-exceed-own`, `role-not-found` */
function requireNoHttp(authority: Authority, { roles = [], permissions = [] }: ImportedUser) {
  requireRoles(authority, roles);
  const isHttp = ({ context }: Permission) => context === 'http';
  const role = roles.find((name) => authority.permissionsOf(name).some(isHttp));
  if (role === undefined && !permissions.some(isHttp)) return;
  throw new Refused('rights-exceed-own', {
    detail: `An import never gives HTTP rights: leave ${role === undefined ? 'those permissions' : `the role ${role}`} out, and grant them to a person by hand.`,
  });
}

interface Imported {
  readonly user: ImportedUser;
  readonly verifier: string | undefined;
  readonly reason: string | null;
}

async function make(
  { authority, passwords, vault, foreign }: UserImportOptions,
  { change, httpOfRoles, stamp }: ClientChanges,
  context: CommandContext,
  { user, verifier: given, reason }: Imported,
): Promise<Done> {
  const { username } = user;
  const { password: _password, verifier: _verifier, username: _username, ...rights } = user;
  const verifier =
    given ?? (await passwords.verifierOf(username, generateSecret(), sourceKey(context.source)));
  const isForeign = typeof foreignHashIn(verifier) !== 'string';
  const keptId = newSecretId();
  const secrets = [vault.written({ kind: 'verifier', username, verifier }, keptId)];
  // A foreign one stands for a credential whose own verifier is made when the password is shown.
  const credentialId = isForeign ? newSecretId() : keptId;
  const foreignVerifierId = isForeign ? keptId : null;
  try {
    const command = (state: Client): ClientCommand => {
      // Whoever was here before, under whatever decision, is left alone.
      if (state.status !== 'unknown') throw new Refused('username-taken');
      requireNoHttp(authority, user);
      const httpLimit = httpPermissionsOf(context.authorize().permissions);
      return {
        ...{ type: 'CreateClient', credentialId, foreignVerifierId, httpLimit },
        rights: mergeRights(noRights, rights),
        httpOfRoles: httpOfRoles(rights.roles ?? []),
        ...stamp(context, username, reason),
      };
    };
    const done = await change(context, username, command, secrets);
    // Its password works when the answer arrives.
    if (foreignVerifierId !== null)
      await foreign.learn(username, { credentialId, foreignVerifierId });
    return done;
  } catch (error) {
    // Refused: nothing names it. Any other failure may have been recorded: the sweep decides later.
    if (error instanceof Refused && error.code !== 'position-not-reached')
      await vault.destroy(keptId).catch(() => undefined);
    throw error;
  }
}
