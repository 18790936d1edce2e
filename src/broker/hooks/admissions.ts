/** Remembers which sessions were admitted lately through a broker that asks, and with which rights. */
import { hash } from 'node:crypto';
import { hookAdmissionsMax, hookAdmissionsPerNameMax } from '../../limits/brokers.ts';
import { BoundedMap } from '../../platform/bounded-map.ts';
import type { MqttRights } from '../ports/authenticator.ts';

/** How a session was admitted: what decides whether it may stay open. */
export interface Admitted {
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  /** Of the certificate that opened when it was let in by one; null: by a password or a token. */
  readonly certificateSerial: string | null;
  /** The rights at that time, or their `rightsDigest`. */
  readonly rights: string | MqttRights;
  /** Milliseconds of the monotonic clock. */
  readonly atMs: number;
}

/** Recent admissions of one kind of broker, by username and client id; the oldest usernames are evicted first. */
export interface Admissions {
  remember(username: string, clientId: string, admitted: Admitted): void;
  of(username: string): ReadonlyMap<string, Admitted>;
  forget(username: string): void;
}

/** Characters of rights that are kept as they are: of most devices they are so few, and a hash takes longer than all else here. */
const shortRightsMax = 120;

interface DigestedRights extends Pick<MqttRights, 'publishPrefix' | 'pinnedClientId'> {
  readonly permissions: Pick<MqttRights['permissions'], 'mqttRead' | 'mqttWrite'>;
}

/** A text that is equal for equal rights, and short. */
export function rightsDigest(rights: Admitted['rights'] | DigestedRights): string {
  if (typeof rights === 'string') return rights;
  const { permissions, publishPrefix, pinnedClientId } = rights;
  const { mqttRead, mqttWrite } = permissions;
  const text = JSON.stringify([mqttRead, mqttWrite, publishPrefix, pinnedClientId]);
  return text.length <= shortRightsMax ? text : hash('sha256', text, 'base64');
}

/** Of one name: most come in with one client id alone, for which a map would be far more than what it holds. */
class AdmissionsOfName {
  #clientId: string;
  #admitted: Admitted;
  #all: Map<string, Admitted> | undefined;
  /** Where it stands among all names: the higher, the later it was put last. */
  place: number;

  constructor(clientId: string, admitted: Admitted, place: number) {
    this.#clientId = clientId;
    this.#admitted = admitted;
    this.place = place;
  }

  get size(): number {
    return this.#all?.size ?? 1;
  }

  get all(): Map<string, Admitted> {
    return this.#all ?? new Map([[this.#clientId, this.#admitted]]);
  }

  /** The newest is the last; beyond `max` the oldest is forgotten. */
  set(clientId: string, admitted: Admitted, max: number): void {
    if (this.#all === undefined && clientId === this.#clientId) {
      // In place: thousands a second that come again leave nothing that would have to be collected later.
      Object.assign(this.#admitted, admitted);
      return;
    }
    this.#all = this.all;
    this.#all.delete(clientId);
    this.#all.set(clientId, admitted);
    if (this.#all.size > max) this.#all.delete(this.#all.keys().next().value as string);
  }
}

const noAdmissions: ReadonlyMap<string, Admitted> = new Map();

export function createAdmissions(
  max = hookAdmissionsMax,
  perNameMax = hookAdmissionsPerNameMax,
): Admissions {
  // One more, until room is made by how many sessions there are.
  const byName = new BoundedMap<string, AdmissionsOfName>(max + 1);
  let count = 0;
  let places = 0;
  // A name is put last again once an eighth of all was put behind it, as in an LRU cache, and for the same reasons.
  const placesApart = Math.floor(max / 8);
  const roomyMax = Math.floor((max * 3) / 4);

  return {
    remember(username, clientId, admitted) {
      const known = byName.get(username);
      if (known === undefined) {
        byName.set(username, new AdmissionsOfName(clientId, admitted, ++places));
        count++;
      } else {
        count -= known.size;
        known.set(clientId, admitted, perNameMax);
        count += known.size;
        if (count > roomyMax && places - known.place > placesApart) {
          known.place = ++places;
          byName.set(username, known);
        }
      }
      while (count > max) count -= byName.forgetOldest()?.size ?? count;
    },
    of: (username) => byName.get(username)?.all ?? noAdmissions,
    forget(username) {
      count -= byName.get(username)?.size ?? 0;
      byName.delete(username);
    },
  };
}
