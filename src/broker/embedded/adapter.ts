/** The port to the embedded broker: it asks the registry itself, so only live sessions have to be changed. */
import type { Account, Broker } from '../ports/broker.ts';
import type { EmbeddedBroker } from '../ports/embedded.ts';

const rightsOf = ({ compiled, publishPrefix, pinnedClientId }: Account) => ({
  permissions: compiled,
  publishPrefix,
  pinnedClientId,
});

/** `urls` are sent to granted clients. */
export function embeddedPort(broker: EmbeddedBroker, urls: () => readonly string[]): Broker {
  return {
    name: 'embedded',
    kind: 'embedded',
    status: () => 'up',
    onUp: () => undefined,
    urls,
    takesPasswords: false,
    stage: () => false,
    async hold(username) {
      await broker.endSessions(username);
    },
    async activate(account, before) {
      const { username, credentialId, certificateSerial } = account;
      // Another credential than the one that is active there: sessions of the old one end.
      const ofOthers =
        before === credentialId
          ? 0
          : await broker.endSessions(username, { exceptCredentialId: credentialId });
      const byOthers = await broker.endSessions(username, { notByCertificate: certificateSerial });
      const sessionsClosed = ofOthers + byOthers;
      await broker.setAuthorization(username, rightsOf(account));
      return { active: true, sessionsClosed };
    },
    deactivate: (username) => broker.endSessions(username),
    setAuthorization: (account) => broker.setAuthorization(account.username, rightsOf(account)),
    disconnect: (username, options = {}) => broker.endSessions(username, options),
    connected: () => new Set(broker.sessions().map(({ username }) => username)),
    hasSession: async (username) => broker.sessionCount(username) > 0,
    list: async () => null,
    rightsOf: () => null,
    close: () => broker.close(),
  };
}
