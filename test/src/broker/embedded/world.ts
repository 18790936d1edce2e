/** An embedded broker with an authenticator that knows a handful of accounts, for the tests beside it. */

import { compiled } from '../../../../domain/matching.ts';
import type { Operation } from '../../../../domain/permission.ts';
import {
  type EmbeddedOptions,
  startEmbeddedBroker,
} from '../../../../src/broker/embedded/broker.ts';
import type {
  Admission,
  Authenticator,
  ConnectAttempt,
  ShownCertificate,
} from '../../../../src/broker/ports/authenticator.ts';
import { type Connect, connected } from '../../../support/mqtt-peers.ts';
import { suite } from '../../../support/suite.ts';

export interface Account {
  password: string;
  read: readonly string[];
  write: readonly string[];
  publishPrefix?: string;
  pinnedClientId?: string;
  credentialId?: string;
  tokenId?: string;
  certificate?: ShownCertificate;
}

export const rightsOf = ({
  read,
  write,
  publishPrefix,
  pinnedClientId,
}: Omit<Account, 'password'>) => {
  const permissions = (resources: readonly string[], operation: Operation) =>
    resources.map((resource) => ({ context: 'mqtt' as const, resource, operation }));
  return {
    permissions: compiled([...permissions(read, 'read'), ...permissions(write, 'write')]),
    publishPrefix: publishPrefix ?? null,
    pinnedClientId: pinnedClientId ?? null,
  };
};

export async function embeddedWorld(
  accounts: Record<string, Account>,
  options: Partial<EmbeddedOptions> = {},
) {
  const attempts: ConnectAttempt[] = [];
  const outcomes: string[] = [];
  const gate = { pass: async (): Promise<void> => {} };
  const authenticator: Authenticator = {
    async authenticate(attempt) {
      attempts.push(attempt);
      const account = accounts[attempt.username ?? ''];
      const answer =
        account !== undefined && attempt.password?.toString() === account.password
          ? { admitted: true as const, admission: admissionOf(attempt.username ?? '', account) }
          : { admitted: false as const, reason: 'refused' as const };
      await gate.pass();
      return answer;
    },
  };
  const broker = await startEmbeddedBroker({
    authenticator,
    tcp: { host: '127.0.0.1', port: 0 },
    onConnect: (outcome) => outcomes.push(outcome),
    ...options,
  });
  const port = Number(new URL(broker.addresses.mqtt as string).port);
  const opened: { end(): void }[] = [];
  return {
    broker,
    port,
    accounts,
    attempts,
    outcomes,
    /** What the authenticator waits for after it has judged. */
    gate,
    /** Connects as one of the accounts, with its password unless another is given. */
    async connect(username: string, connect: Connect = {}) {
      const password = accounts[username]?.password ?? 'wrong';
      const client = await connected(port, { clientId: username, username, password, ...connect });
      opened.push(client);
      return client;
    },
    /** Changes an account as the registry does: first what the authenticator says, then what is in force. */
    async change(username: string, change: Partial<Account>) {
      const account = { ...(accounts[username] as Account), ...change };
      accounts[username] = account;
      await broker.setAuthorization(username, rightsOf(account));
    },
    async close() {
      for (const client of opened) client.end();
      await broker.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof embeddedWorld>>;

function admissionOf(username: string, account: Account): Admission {
  return {
    username,
    credentialId: account.tokenId === undefined ? (account.credentialId ?? 'first') : null,
    tokenId: account.tokenId ?? null,
    certificate: account.certificate ?? null,
    ...rightsOf(account),
  };
}

/** Each test has a broker of its own, with these accounts. */
export function embeddedSuite(name: string, accounts: () => Record<string, Account>) {
  const test = suite<{ world: World }>(name);
  test.before.each(async (context) => {
    context.world = await embeddedWorld(accounts());
  });
  test.after.each(({ world }) => world.close());
  return test;
}
