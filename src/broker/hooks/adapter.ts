/** A broker that asks over HTTP, as the process manager drives it: it need only close sessions. */

import { hookRecentMs, hookSettleMs } from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { type Account, type Broker, BrokerDown } from '../ports/broker.ts';
import { type Admissions, type Admitted, rightsDigest } from './admissions.ts';
import { WatchedApi } from './availability.ts';
import type { HookKind } from './hooks.ts';

/** The REST API of a broker, as far as it is needed. Calls reject with BrokerDown or BrokerRefused. */
export interface SessionsApi {
  /** Resolves when the broker answers to the registry's account. */
  probe(): Promise<void>;
  /** Closes the sessions of a user but those that are to stay. Resolves with the number of live ones closed. */
  close(username: string, staying: Staying): Promise<number>;
}

/** Sessions that the registry does not know of never stay. */
interface Staying {
  has(clientId: string): boolean;
  /** Whether all stay, where the broker does not tell which session is whose. */
  all(sessionCount: number): boolean;
}

type Stays = (admitted: Admitted) => boolean;

export function hookPort(options: {
  readonly name: string;
  readonly kind: HookKind;
  readonly api: SessionsApi;
  readonly admissions: Admissions;
  readonly urls: () => readonly string[];
  readonly logger: Logger;
}): Broker {
  const { name, kind, api, admissions, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const watched = new WatchedApi(name, { probe: () => api.probe(), logger, signal });

  async function closeBut(username: string, stays: Stays): Promise<number> {
    const close = () =>
      watched.asked(() => api.close(username, staying(admissions, username, stays)));
    const recent = [...admissions.of(username).values()].some(
      (admitted) => !stays(admitted) && performance.now() - admitted.atMs < hookRecentMs,
    );
    const closed = await close();
    if (!recent) return closed;
    // Who was let in a moment ago may not have been a session yet when they were closed.
    await pause(hookSettleMs, signal);
    if (signal.aborted) throw new BrokerDown(`${name} is left`);
    return closed + (await close());
  }

  const keepOut = async (username: string) => {
    const closed = await closeBut(username, () => false);
    admissions.forget(username);
    return closed;
  };

  return {
    name,
    kind,
    status: () => watched.status,
    onUp: (listener) => watched.onUp(listener),
    urls: options.urls,
    stage: () => false,
    async hold(username) {
      await keepOut(username);
    },
    async activate(account, before) {
      const sessionsClosed = await closeBut(account.username, cameInAs(account, before));
      return { active: true, sessionsClosed };
    },
    deactivate: keepOut,
    async setAuthorization(account) {
      const rights = rightsOf(account);
      await closeBut(account.username, (admitted) => admitted.rights === rights);
    },
    disconnect: (username, { tokenId } = {}) =>
      closeBut(username, (admitted) => tokenId !== undefined && admitted.tokenId !== tokenId),
    connected: () => null,
    list: async () => null,
    rightsOf: () => null,
    async close() {
      stopping.abort();
      await watched.ended;
    },
  };
}

const staying = (admissions: Admissions, username: string, stays: Stays): Staying => ({
  has(clientId) {
    const admitted = admissions.of(username).get(clientId);
    return admitted !== undefined && stays(admitted);
  },
  all(sessionCount) {
    const known = [...admissions.of(username).values()];
    return sessionCount <= known.length && known.every(stays);
  },
});

const rightsOf = ({ compiled, publishPrefix, pinnedClientId }: Account) =>
  rightsDigest({ permissions: compiled, publishPrefix, pinnedClientId });

/** Who came in with these rights, by this credential, or by a token while it was in force. */
function cameInAs(account: Account, before: string | null): Stays {
  const rights = rightsOf(account);
  const { credentialId } = account;
  return (admitted) =>
    admitted.rights === rights &&
    (admitted.credentialId === credentialId ||
      (admitted.credentialId === null && before === credentialId));
}
