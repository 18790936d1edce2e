/** The port to a broker that asks the registry over HTTP: its own state is only its sessions, which are closed here. */
import { hookRecentMs, hookSettleMs, rabbitmqSilentMs } from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { lateClosings } from '../late-closings.ts';
import { type Account, type Broker, BrokerDown } from '../ports/broker.ts';
import { type Admissions, type Admitted, rightsDigest } from './admissions.ts';
import { WatchedApi } from './availability.ts';
import type { HookKind } from './kinds.ts';

/** The part of a broker's REST API that is used. Calls reject with BrokerDown or BrokerRefused. */
export interface SessionsApi {
  /** Resolves when the broker answers to the registry's account. */
  probe(): Promise<void>;
  /** Closes a user's sessions except those that may stay open. Resolves with the number of live ones closed. */
  close(username: string, staying: Staying): Promise<number>;
}

/** Which sessions may stay open: never those that the registry does not know of. */
interface Staying {
  has(clientId: string): boolean;
  /** Whether all may, where the broker does not report client ids. */
  all(sessionCount: number): boolean;
}

type Stays = (admitted: Admitted) => boolean;

interface HookPortOptions {
  readonly name: string;
  /** Of those whose sessions can be ended from here. */
  readonly kind: Exclude<HookKind, 'mosquitto-go-auth'>;
  readonly api: SessionsApi;
  readonly admissions: Admissions;
  readonly urls: () => readonly string[];
  readonly logger: Logger;
  /** The list of revoked certificates that the broker reads; null: none comes in by one. */
  readonly revocations: { inForce(): Promise<void> } | null;
  /** How long the broker keeps a connection that says nothing; milliseconds. */
  readonly silentMs?: number;
}

export function hookPort(options: HookPortOptions): Broker {
  const { name, kind, api, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const watched = new WatchedApi(name, { probe: () => api.probe(), logger, signal });

  const { closeExcept, closeUnsure, closeAll } = closing(options, watched, signal);

  return {
    name,
    kind,
    status: () => watched.status,
    onUp: (listener) => watched.onUp(listener),
    urls: options.urls,
    takesPasswords: false,
    stage: () => false,
    async hold(username) {
      await closeAll(username);
    },
    async activate(account, before) {
      const beganMs = performance.now();
      const stays = admittedAs(account, before);
      const closed = await closeExcept(account.username, stays);
      const mayHaveOthers = account.hasReplaced || before !== account.credentialId;
      const more = mayHaveOthers ? await closeUnsure(account.username, stays, beganMs) : 0;
      return { active: true, sessionsClosed: closed + more };
    },
    deactivate: closeAll,
    async setAuthorization(account) {
      const rights = rightsOf(account);
      await closeExcept(account.username, (admitted) => rightsDigest(admitted.rights) === rights);
    },
    disconnect: (username, { tokenIds } = {}) =>
      closeExcept(
        username,
        ({ tokenId }) => tokenIds !== undefined && (tokenId === null || !tokenIds.has(tokenId)),
      ),
    connected: () => null,
    async hasSession(username) {
      let isThere = false;
      // Looks as if to close, and lets every session stay.
      const all: Staying = {
        has: () => (isThere = true),
        all(sessionCount) {
          isThere ||= sessionCount > 0;
          return true;
        },
      };
      await watched.call(() => api.close(username, all));
      return isThere;
    },
    list: async () => null,
    rightsOf: () => null,
    async close() {
      stopping.abort();
      await watched.ended;
    },
  };
}

/** Closes sessions: all of a user, or those that may not stay. */
function closing(
  { name, api, admissions, revocations, silentMs = rabbitmqSilentMs }: HookPortOptions,
  watched: WatchedApi,
  signal: AbortSignal,
) {
  async function closeExcept(username: string, stays: Stays): Promise<number> {
    const close = () =>
      watched.call(() => api.close(username, staying(admissions, username, stays)));
    const recent = [...admissions.of(username).values()].some(
      (admitted) => !stays(admitted) && performance.now() - admitted.atMs < hookRecentMs,
    );
    const closed = await close();
    if (!recent) return closed;
    // A client that was admitted a moment ago may have had no session yet at the first close.
    await pause(hookSettleMs, signal);
    if (signal.aborted) throw new BrokerDown(`${name} is being closed`);
    return closed + (await close());
  }

  /** Until the broker has read the list of revoked certificates, a replaced one comes in with the same CN. */
  async function closeUnsure(username: string, stays: Stays, sinceMs: number): Promise<number> {
    if (revocations === null) return 0;
    await revocations.inForce();
    await late.add(username);
    return await closeUnlessSure(username, stays, (atMs) => atMs < sinceMs);
  }

  /** Those that came in by a certificate when it was not sure whose it was. */
  async function closeUnlessSure(
    username: string,
    stays: Stays,
    isSureAt: (ms: number) => boolean,
  ) {
    const isSure = (one: Admitted) => one.certificateSerial === null || isSureAt(one.atMs);
    const areSure = [...admissions.of(username).values()].every(isSure);
    return areSure ? 0 : await closeExcept(username, (one) => stays(one) && isSure(one));
  }
  const late = lateClosings({
    afterMs: silentMs,
    signal,
    async close(username, endedMs) {
      const isSureAt = (ms: number) => ms < endedMs || ms > endedMs + silentMs;
      await closeUnlessSure(username, () => true, isSureAt);
    },
  });

  const closeAll = async (username: string) => {
    const closed = await closeExcept(username, () => false);
    admissions.forget(username);
    return closed;
  };

  return { closeExcept, closeUnsure, closeAll };
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

/** Sessions admitted with these rights by this credential, or by a token while it was active. */
function admittedAs(account: Account, before: string | null): Stays {
  const rights = rightsOf(account);
  const { credentialId, certificateSerial } = account;
  return (admitted) =>
    rightsDigest(admitted.rights) === rights &&
    (admitted.certificateSerial ?? certificateSerial) === certificateSerial &&
    (admitted.credentialId === credentialId ||
      (admitted.credentialId === null && before === credentialId));
}
