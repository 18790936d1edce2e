/** The port to Mosquitto by dynamic security: accounts are prepared at the request, and enabled at the grant. */
import type { MosquittoAddress } from '../../config/brokers.ts';
import { mosquittoSilentMs, mosquittoStagedMax } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { type LateClosings, lateClosings } from '../late-closings.ts';
import {
  type Account,
  type ActivationOutcome,
  type Broker,
  BrokerRefused,
  isJudgedByGateway,
} from '../ports/broker.ts';
import {
  enablingCommands,
  type FoundAccount,
  readAccount,
  readAll,
  roleCommands,
  succeeded,
} from './accounts.ts';
import { aclsOf, rightsText } from './acls.ts';
import type { ControlCommand } from './command-queue.ts';
import { type Control, openControl } from './control.ts';
import { type AccountMark, isSamePassword, type Marks, marksOf } from './marks.ts';
import { stagedSecrets } from './staged-secrets.ts';

interface MosquittoOptions {
  readonly name: string;
  readonly address: MosquittoAddress;
  /** The log's identity: accounts with its mark are this registry's, all others are left unchanged. */
  readonly logId: string;
  readonly urls: () => readonly string[];
  readonly logger: Logger;
  /** How many accounts may be prepared for pending requests. */
  readonly stagedMax?: number;
  /** How long Mosquitto keeps a connection that says nothing; milliseconds. */
  readonly silentMs?: number;
  /** What the accounts have for a password whose clients come in by a certificate. */
  readonly ownSecretOf: (credentialId: string) => string;
  /** All clients come in by the gateway, which judges certificates itself. */
  readonly isBehindGateway: boolean;
  /** The list of revoked certificates that Mosquitto reads; null: it takes no certificates. */
  readonly revocations: Revocations | null;
}

export interface Revocations {
  /** Resolves when Mosquitto has been told to read a list with everything revoked before the call. */
  inForce(): Promise<void>;
}

/** Connects in the background; until then, and whenever it is away, its status is `down`. */
export function startMosquitto(options: MosquittoOptions): Broker {
  const { name, address, logger } = options;
  return new Mosquitto(options, openControl({ name, address, logger }));
}

const strangersAccount = (name: string, username: string) =>
  new BrokerRefused(
    `${name} has an account "${username}" that this registry did not make: it is left alone. ` +
      'Remove it there, or choose another name.',
  );

const passwordUnknown = (name: string) =>
  `${name} does not know its password (it was away when the client showed it, or ended before it had ` +
  'written it down): it works there once the client has shown it to the registry again, by REST or by an ' +
  'MQTT connect through the registry.';

const takesNoCertificates = (name: string) =>
  `${name} takes no certificates, and this client has nothing else to come in by: let it reach ${name} by the ` +
  'gateway, or set GATEBOOK_CERTIFICATE_FILES_DIR and have it read the files there.';

const noRights = aclsOf({ permissions: [] });

class Mosquitto implements Broker {
  readonly name: string;
  readonly kind = 'mosquitto';
  readonly takesPasswords = true;
  readonly urls: () => readonly string[];
  readonly #control: Control;
  readonly #marks: Marks;
  readonly #options: MosquittoOptions;
  readonly #ownUsername: string;
  readonly #stagedMax: number;
  readonly #secrets = stagedSecrets();
  readonly #late: LateClosings;
  readonly #closing = new AbortController();
  /** Accounts prepared and not enabled: the credential by username. */
  readonly #prepared = new Map<string, string>();

  constructor(options: MosquittoOptions, control: Control) {
    this.name = options.name;
    this.urls = options.urls;
    this.#options = options;
    this.#control = control;
    this.#marks = marksOf(options.logId);
    this.#ownUsername = options.address.username;
    this.#stagedMax = options.stagedMax ?? mosquittoStagedMax;
    this.#late = lateClosings({
      afterMs: options.silentMs ?? mosquittoSilentMs,
      close: (username) => this.#closeSessions(username),
      signal: this.#closing.signal,
    });
    // What it acknowledged before it went away may never have been written.
    control.onUp(() => this.#prepared.clear());
  }

  status = () => this.#control.status();
  onUp = (listener: () => void) => this.#control.onUp(listener);

  stage(staged: Parameters<Broker['stage']>[0]): boolean {
    const isPrepared = this.#prepared.get(staged.username) === staged.credentialId;
    if (isPrepared && this.status() === 'up') return false;
    this.#secrets.take(staged);
    return true;
  }

  /** One account as it is. @throws BrokerRefused when this registry did not make it */
  async #own(username: string): Promise<FoundAccount> {
    const now = await readAccount(this.#control, this.#marks, username);
    const isStrangers = now.client !== null && !now.client.isOwn;
    if (isStrangers || username === this.#ownUsername) throw strangersAccount(this.name, username);
    return now;
  }

  async hold(username: string, credentialId: string): Promise<void> {
    const { client, acls } = await this.#own(username);
    if (client?.held?.credentialId === credentialId) {
      await this.#shut(username, { client, acls });
      this.#prepared.set(username, credentialId);
      this.#secrets.forget(credentialId);
      return;
    }
    // It is of an earlier request, or was made and never finished.
    if (client !== null) await this.#remove(username, acls !== null);
    const password = this.#secrets.of(credentialId);
    if (password === undefined) return;
    this.#secrets.forget(credentialId);
    if (this.#prepared.size >= this.#stagedMax) return;
    await this.#make(username);
    await this.#all(
      { command: 'disableClient', username },
      {
        ...{ command: 'modifyClient', username, password },
        textdescription: this.#marks.describe({
          ...{ credentialId, certificateSerial: null, isRegistrys: false },
        }),
      },
    );
    this.#prepared.set(username, credentialId);
  }

  /** Makes an account without a password, which admits nobody. @throws BrokerRefused when the name is taken */
  async #make(username: string): Promise<void> {
    const [answer] = await this.#control.send({
      command: 'createClient',
      username,
      textname: this.#marks.textname,
      textdescription: this.#marks.describe(null),
      roles: [],
      groups: [],
    });
    if (!succeeded(answer, 'Client already exists')) throw strangersAccount(this.name, username);
  }

  /** What its account is to be for: where a certificate is its way in, no password of the client's opens. */
  #wanted(account: Account): AccountMark {
    const { credentialId, certificateSerial, passwordOpens } = account;
    const isRegistrys = this.#options.isBehindGateway ? isJudgedByGateway(account) : !passwordOpens;
    return { credentialId, certificateSerial, isRegistrys };
  }

  async activate(account: Account): Promise<ActivationOutcome> {
    const { username, credentialId } = account;
    const { isBehindGateway, revocations, ownSecretOf } = this.#options;
    let now = await this.#own(username);
    const wanted = this.#wanted(account);
    if (!account.passwordOpens && !isBehindGateway && revocations === null)
      return await this.#notYet(username, now, takesNoCertificates(this.name));
    const password = wanted.isRegistrys
      ? ownSecretOf(credentialId)
      : this.#secrets.of(credentialId);
    const held = now.client?.held ?? null;
    const isKnown = isSamePassword(held, wanted);
    if (!isKnown && password === undefined)
      return await this.#notYet(username, now, passwordUnknown(this.name));
    if (revocations !== null && held?.certificateSerial) {
      if (held.credentialId !== credentialId) {
        await this.#shut(username, now);
        now = await this.#own(username);
        // Renewed: its sessions are closed with the change of the mark, and the old one must not come in after that.
      } else if (held.certificateSerial !== wanted.certificateSerial) {
        await revocations.inForce();
        await this.#late.add(username);
      }
    }

    // The role first: who is admitted has the rights that were granted, and no others.
    await this.#all(...roleCommands(this.#marks, username, aclsOf(account), now.acls));
    if (now.client === null) await this.#make(username);
    const changed = isKnown ? undefined : password;
    await this.#all(...enablingCommands(this.#marks, account, now.client, wanted, changed));
    this.#prepared.delete(username);
    this.#secrets.forget(credentialId);
    return { active: true, sessionsClosed: 0 };
  }

  /** The granted credential cannot open: disables an account that has another one. */
  async #notYet(username: string, now: FoundAccount, detail: string): Promise<ActivationOutcome> {
    this.#prepared.delete(username);
    await this.#shut(username, now);
    return { active: false, sessionsClosed: 0, detail };
  }

  async deactivate(username: string, suspended: string | null): Promise<number> {
    this.#prepared.delete(username);
    const now = await readAccount(this.#control, this.#marks, username);
    if (now.client?.isOwn !== true || username === this.#ownUsername) return 0;
    if (suspended !== null || this.#options.revocations !== null) await this.#shut(username, now);
    if (suspended === null) await this.#remove(username, now.acls !== null);
    return 0;
  }

  /**
   * Disables an account. Mosquitto lets a certificate in without asking for it (`use_identity_as_username`), so where there
   * are certificates its rights go, too; then its certificate, and whoever came in by that in between.
   */
  async #shut(username: string, { client, acls }: FoundAccount): Promise<void> {
    if (client === null) return;
    const { revocations } = this.#options;
    const none =
      revocations === null || acls === null
        ? []
        : roleCommands(this.#marks, username, noRights, acls);
    await this.#all(...(client.enabled ? [{ command: 'disableClient', username }] : []), ...none);
    if (revocations === null || !client.held?.certificateSerial) return;
    await revocations.inForce();
    await this.#closeSessions(username);
    await this.#late.add(username);
  }

  /** Mosquitto does so at each change of an account; where there is none, nobody has rights. */
  async #closeSessions(username: string): Promise<void> {
    const { textname } = this.#marks;
    const [answer] = await this.#control.send({ command: 'modifyClient', username, textname });
    succeeded(answer, 'Client not found');
  }

  async #remove(username: string, hasRole: boolean): Promise<void> {
    const [client, role] = await this.#control.send(
      { command: 'deleteClient', username },
      ...(hasRole ? [{ command: 'deleteRole', rolename: this.#marks.roleOf(username) }] : []),
    );
    succeeded(client, 'Client not found');
    succeeded(role, 'Role not found');
  }

  async setAuthorization(account: Account): Promise<void> {
    await this.activate(account);
  }

  async disconnect(
    username: string,
    options: Parameters<Broker['disconnect']>[1] = {},
  ): Promise<number> {
    // Mosquitto admits nobody by a token.
    if (options.tokenIds !== undefined) return 0;
    const { client } = await this.#own(username);
    if (client?.enabled)
      await this.#all(
        { command: 'disableClient', username },
        { command: 'enableClient', username },
      );
    return 0;
  }

  connected = () => null;
  hasSession = async () => null;

  async list() {
    const all = await readAll(this.#control, this.#marks);
    this.#prepared.clear();
    for (const { client } of all)
      if (client.held !== null && !client.enabled)
        this.#prepared.set(client.username, client.held.credentialId);
    return all
      .filter(({ client }) => client.username !== this.#ownUsername)
      .map(({ client: { username, enabled, isOwn, held }, rights }) => ({
        username,
        enabled,
        mark: isOwn ? { credentialId: held?.credentialId ?? null } : null,
        rights,
      }));
  }

  rightsOf = (account: Account): string =>
    rightsText({
      acls: aclsOf(account),
      ...{ clientId: account.pinnedClientId, others: [], held: this.#wanted(account) },
    });

  /** Runs commands that must all succeed. @throws BrokerRefused */
  async #all(...commands: readonly ControlCommand[]): Promise<void> {
    if (commands.length === 0) return;
    for (const answer of await this.#control.send(...commands)) succeeded(answer);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#secrets.clear();
    await this.#control.close();
  }
}
