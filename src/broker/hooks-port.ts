/** A broker that asks over HTTP, as the process manager drives it: it need only close sessions. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Admissions, type Admitted, type HookKind, rightsWord } from '../hooks/hooks.ts';
import { hookProbeDownMs, hookProbeMs, hookRecentMs, hookSettleMs } from '../limits.ts';
import type { Log } from '../log.ts';
import { pause } from '../pause.ts';
import { type Account, type Broker, BrokerDown } from './broker.ts';

/** The REST API of a broker, as far as it is needed. Calls reject with BrokerDown or BrokerRefused. */
export interface SessionsApi {
  /** Resolves when the broker answers to the registry's account. */
  probe(): Promise<void>;
  /** Closes the sessions of a user but those that are to stay. Resolves with the number of live ones closed. */
  close(username: string, staying: Staying): Promise<number>;
}

/** Sessions that the registry does not know of never stay. */
export interface Staying {
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
  readonly log: Log;
}): Broker {
  const { name, kind, api, admissions, log } = options;
  const stopping = new AbortController();
  const listeners: (() => void)[] = [];
  let status: 'up' | 'down' = 'down';
  /** What was last said of its absence, so that it is said once. */
  let said: string | null = null;

  /** Notes whether the broker is there, whatever a call came to. */
  async function asked<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      const result = await call();
      isUp();
      return result;
    } catch (error) {
      if (error instanceof BrokerDown && !stopping.signal.aborted) {
        status = 'down';
        if (said !== error.message) log.warn('A broker is away', { broker: name, error });
        said = error.message;
      }
      throw error;
    }
  }
  const isUp = () => {
    if (status === 'up') return;
    status = 'up';
    if (said !== null) log.info('A broker is back', { broker: name });
    said = null;
    for (const listener of listeners) listener();
  };

  async function watch(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await asked(() => api.probe()).catch(() => undefined);
      const ms = status === 'up' ? hookProbeMs : hookProbeDownMs;
      await pause(ms, signal);
    }
  }
  const watched = watch();

  async function closeBut(username: string, stays: Stays): Promise<number> {
    const staying: Staying = {
      has(clientId) {
        const admitted = admissions.of(username).get(clientId);
        return admitted !== undefined && stays(admitted);
      },
      all(sessionCount) {
        const known = [...admissions.of(username).values()];
        return sessionCount <= known.length && known.every(stays);
      },
    };
    const close = () => asked(() => api.close(username, staying));
    const recent = [...admissions.of(username).values()].some(
      (admitted) => !stays(admitted) && performance.now() - admitted.atMs < hookRecentMs,
    );
    const closed = await close();
    if (!recent) return closed;
    // Who was let in a moment ago may not have been a session yet when they were closed.
    await delay(hookSettleMs, undefined, { signal: stopping.signal }).catch(() => {
      throw new BrokerDown(`${name} is left`);
    });
    return closed + (await close());
  }

  const keepOut = async (username: string) => {
    const closed = await closeBut(username, () => false);
    admissions.forget(username);
    return closed;
  };
  const rightsOf = ({ compiled, publishPrefix, pinnedClientId }: Account) =>
    rightsWord({ permissions: compiled, publishPrefix, pinnedClientId });

  return {
    name,
    kind,
    status: () => status,
    onUp: (listener) => {
      listeners.push(listener);
    },
    urls: options.urls,
    stage: () => false,
    async hold(username) {
      await keepOut(username);
    },
    async activate(account, before) {
      const { username, credentialId } = account;
      const rights = rightsOf(account);
      const sessionsClosed = await closeBut(
        username,
        (admitted) =>
          admitted.rights === rights &&
          (admitted.credentialId === credentialId ||
            (admitted.credentialId === null && before === credentialId)),
      );
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
      await watched;
    },
  };
}
