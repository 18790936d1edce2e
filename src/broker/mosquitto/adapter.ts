/** Mosquitto by dynamic security: accounts are laid ready at the request, and opened at the grant. */
import type { MosquittoAddress } from '../../config/brokers.ts';
import { mosquittoStagedMax } from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import {
  type Account,
  type ActivationOutcome,
  type Broker,
  BrokerRefused,
} from '../ports/broker.ts';
import {
  done,
  everything,
  type FoundAccount,
  type FoundClient,
  found,
  type Marks,
  marksOf,
  roleCommands,
} from './accounts.ts';
import { aclsOf, rightsText } from './acls.ts';
import type { ControlCommand } from './command-queue.ts';
import { type Control, openControl } from './control.ts';
import { stagedSecrets } from './staged-secrets.ts';

interface MosquittoOptions {
  readonly name: string;
  readonly address: MosquittoAddress;
  /** The log's identity: accounts with its mark are this registry's, all others are left alone. */
  readonly logId: string;
  readonly urls: () => readonly string[];
  readonly logger: Logger;
  /** Accounts that are laid ready before anybody decided. */
  readonly stagedMax?: number;
}

/** Connects in the background; until then, and whenever it is away, its status is `down`. */
export function startMosquitto(options: MosquittoOptions): Broker {
  const { name, address, logger } = options;
  return new Mosquitto(options, openControl({ name, address, logger }));
}

const theirs = (name: string, username: string) =>
  new BrokerRefused(
    `${name} has an account "${username}" that this registry did not make: it is left alone. ` +
      'Remove it there, or choose another name.',
  );

class Mosquitto implements Broker {
  readonly name: string;
  readonly kind = 'mosquitto';
  readonly urls: () => readonly string[];
  readonly #control: Control;
  readonly #marks: Marks;
  readonly #ownUsername: string;
  readonly #stagedMax: number;
  readonly #secrets = stagedSecrets();
  /** Laid ready and not opened: the credential by username. */
  readonly #laid = new Map<string, string>();

  constructor(options: MosquittoOptions, control: Control) {
    this.name = options.name;
    this.urls = options.urls;
    this.#control = control;
    this.#marks = marksOf(options.logId);
    this.#ownUsername = options.address.username;
    this.#stagedMax = options.stagedMax ?? mosquittoStagedMax;
  }

  status = () => this.#control.status();
  onUp = (listener: () => void) => this.#control.onUp(listener);

  stage(staged: Parameters<Broker['stage']>[0]): boolean {
    if (this.#laid.get(staged.username) === staged.credentialId) return false;
    this.#secrets.take(staged);
    return true;
  }

  /** One account as it is; null where there is none. @throws BrokerRefused when it is not ours */
  async #own(username: string): Promise<FoundAccount> {
    const now = await found(this.#control, this.#marks, username);
    const isTheirs = now.client !== null && !now.client.isOwn;
    if (isTheirs || username === this.#ownUsername) throw theirs(this.name, username);
    return now;
  }

  async hold(username: string, credentialId: string): Promise<void> {
    const { client, acls } = await this.#own(username);
    if (client?.credentialId === credentialId) {
      if (client.enabled) await this.#all({ command: 'disableClient', username });
      this.#laid.set(username, credentialId);
      this.#secrets.forget(credentialId);
      return;
    }
    // Of an earlier request, or made and never finished.
    if (client !== null) await this.#remove(username, acls !== null);
    const password = this.#secrets.of(credentialId);
    if (password === undefined) return;
    this.#secrets.forget(credentialId);
    if (this.#laid.size >= this.#stagedMax) return;
    await this.#make(username);
    await this.#all(
      { command: 'disableClient', username },
      this.#withPassword(username, credentialId, password),
    );
    this.#laid.set(username, credentialId);
  }

  /** An account without a password, which lets nobody in. @throws BrokerRefused when the name is taken */
  async #make(username: string): Promise<void> {
    const [answer] = await this.#control.send({
      command: 'createClient',
      username,
      textname: this.#marks.textname,
      textdescription: this.#marks.describe(null),
      roles: [],
      groups: [],
    });
    if (!done(answer, 'Client already exists')) throw theirs(this.name, username);
  }

  /** Password and mark in one command: no moment in which the mark tells of another password. */
  #withPassword(username: string, credentialId: string, password: string): ControlCommand {
    return {
      command: 'modifyClient',
      username,
      password,
      textdescription: this.#marks.describe(credentialId),
    };
  }

  async activate(account: Account): Promise<ActivationOutcome> {
    const { username, credentialId } = account;
    const now = await this.#own(username);
    const password = this.#secrets.of(credentialId);
    const isKnown = now.client?.credentialId === credentialId;
    if (!isKnown && password === undefined) return await this.#withoutPassword(username, now);

    // The role first: whoever is let in has the rights that were granted, and no others.
    await this.#all(...roleCommands(this.#marks, username, aclsOf(account), now.acls));
    if (now.client === null) await this.#make(username);
    await this.#all(...this.#opening(account, now.client, isKnown ? undefined : password));
    this.#laid.delete(username);
    this.#secrets.forget(credentialId);
    return { active: true, sessionsClosed: 0 };
  }

  /** What is still to be done so that an account is open, with its role and nothing else. */
  #opening(
    { username, credentialId, pinnedClientId }: Account,
    client: FoundClient | null,
    password: string | undefined,
  ): ControlCommand[] {
    const isBare = client === null || !client.hasOwnRole || client.others.length > 0;
    const commands: ControlCommand[] = [];
    if (client !== null && client.clientId !== pinnedClientId && pinnedClientId === null)
      commands.push({ command: 'setClientId', username });
    const change = {
      ...(password === undefined
        ? {}
        : { password, textdescription: this.#marks.describe(credentialId) }),
      ...(isBare ? { roles: [{ rolename: this.#marks.roleOf(username) }], groups: [] } : {}),
      ...(pinnedClientId !== null && client?.clientId !== pinnedClientId
        ? { clientid: pinnedClientId }
        : {}),
    };
    if (Object.keys(change).length > 0)
      commands.push({ command: 'modifyClient', username, ...change });
    if (client?.enabled === false) commands.push({ command: 'enableClient', username });
    return commands;
  }

  /** The credential that was granted is not known there: whoever came in by another goes out. */
  async #withoutPassword(username: string, { client }: FoundAccount): Promise<ActivationOutcome> {
    this.#laid.delete(username);
    if (client?.enabled) await this.#all({ command: 'disableClient', username });
    return {
      active: false,
      sessionsClosed: 0,
      detail:
        `${this.name} does not know its password: it works there once the client has shown it to the ` +
        'registry again, by REST or by an MQTT connect through the registry.',
    };
  }

  async deactivate(username: string, suspended: string | null): Promise<number> {
    this.#laid.delete(username);
    const { client, acls } = await found(this.#control, this.#marks, username);
    if (client === null || !client.isOwn || username === this.#ownUsername) return 0;
    if (suspended === null) await this.#remove(username, acls !== null);
    else if (client.enabled) await this.#all({ command: 'disableClient', username });
    return 0;
  }

  async #remove(username: string, hasRole: boolean): Promise<void> {
    const [client, role] = await this.#control.send(
      { command: 'deleteClient', username },
      ...(hasRole ? [{ command: 'deleteRole', rolename: this.#marks.roleOf(username) }] : []),
    );
    done(client, 'Client not found');
    done(role, 'Role not found');
  }

  async setAuthorization(account: Account): Promise<void> {
    await this.activate(account);
  }

  async disconnect(username: string, options: { tokenId?: string } = {}): Promise<number> {
    // A token opens nothing at Mosquitto.
    if (options.tokenId !== undefined) return 0;
    const { client } = await this.#own(username);
    if (client?.enabled)
      await this.#all(
        { command: 'disableClient', username },
        { command: 'enableClient', username },
      );
    return 0;
  }

  connected = () => null;

  async list() {
    const all = await everything(this.#control, this.#marks);
    this.#laid.clear();
    for (const { client } of all)
      if (client.credentialId !== null && !client.enabled)
        this.#laid.set(client.username, client.credentialId);
    return all
      .filter(({ client }) => client.username !== this.#ownUsername)
      .map(({ client: { username, enabled, isOwn, credentialId }, rights }) => ({
        username,
        enabled,
        mark: isOwn ? { credentialId } : null,
        rights,
      }));
  }

  rightsOf = (account: Account): string =>
    rightsText({ acls: aclsOf(account), clientId: account.pinnedClientId, others: [] });

  /** Runs commands that must all succeed. @throws BrokerRefused */
  async #all(...commands: readonly ControlCommand[]): Promise<void> {
    if (commands.length === 0) return;
    for (const answer of await this.#control.send(...commands)) done(answer);
  }

  async close(): Promise<void> {
    this.#secrets.clear();
    await this.#control.close();
  }
}
