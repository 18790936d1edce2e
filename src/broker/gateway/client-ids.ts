/** Whose client ids are whose before a broker that lets everybody take everybody's over. */
import { mqttStoredSessionsMax, mqttStoredSessionsPerUserMax } from '../../limits/mqtt.ts';

interface Holder {
  readonly username: string;
  /** Connections that are open with it. */
  live: number;
  /** Whether the broker keeps a session of it while nobody is connected. */
  isKept: boolean;
}

/** Who asks for a client id: `pinnedClientId` is the only one that the account may use, or null. */
interface AskingForId {
  readonly username: string;
  readonly pinnedClientId: string | null;
}

/** An id belongs to one name while its session exists, connected or kept; so does one that is somebody's name. */
export class ClientIds {
  readonly #isUsername: (name: string) => boolean;
  /** By client id; those without a connection in the order in which they lost it. */
  readonly #holders = new Map<string, Holder>();
  /** By username, the ids of sessions that are only kept, the oldest first. */
  readonly #kept = new Map<string, Set<string>>();
  #keptCount = 0;

  /** `isUsername`: whether somebody has this name, and access. */
  constructor(isUsername: (name: string) => boolean) {
    this.#isUsername = isUsername;
  }

  belongsToOther(clientId: string, { username, pinnedClientId }: AskingForId): boolean {
    if (clientId === '' || clientId === username) return false;
    if (clientId !== pinnedClientId && this.#isUsername(clientId)) return true;
    const holder = this.#holders.get(clientId);
    if (holder === undefined || holder.username === username) return false;
    // Whoever has lost access holds nothing.
    return this.#isUsername(holder.username);
  }

  /** The broker let it in; false: somebody else was let in with the same id meanwhile. */
  opened(clientId: string, username: string): boolean {
    if (clientId === '') return true;
    if (this.belongsToOther(clientId, { username, pinnedClientId: clientId })) return false;
    const holder = this.#holders.get(clientId);
    this.#forgetKept(clientId, holder);
    if (holder?.username === username) holder.live += 1;
    else this.#holders.set(clientId, { username, live: 1, isKept: false });
    return true;
  }

  /** A connection that was let in has ended. `isKept`: the broker keeps its session. */
  closed(clientId: string, username: string, isKept: boolean): void {
    const holder = this.#holders.get(clientId);
    // Taken over meanwhile by the one whose name it is.
    if (holder?.username !== username) return;
    holder.live -= 1;
    if (holder.live > 0) return;
    this.#forgetKept(clientId, holder);
    this.#holders.delete(clientId);
    if (isKept) this.#keep(clientId, { username, live: 0, isKept });
  }

  #keep(clientId: string, holder: Holder): void {
    if (this.#keptCount >= mqttStoredSessionsMax) return;
    const own = this.#kept.get(holder.username) ?? new Set<string>();
    const [oldest] = own;
    if (oldest !== undefined && own.size >= mqttStoredSessionsPerUserMax) {
      this.#forgetKept(oldest, this.#holders.get(oldest));
      this.#holders.delete(oldest);
    }
    own.add(clientId);
    this.#kept.set(holder.username, own);
    this.#holders.set(clientId, holder);
    this.#keptCount += 1;
  }

  #forgetKept(clientId: string, holder: Holder | undefined): void {
    if (holder?.isKept !== true) return;
    holder.isKept = false;
    this.#keptCount -= 1;
    const own = this.#kept.get(holder.username);
    own?.delete(clientId);
    if (own?.size === 0) this.#kept.delete(holder.username);
  }
}
