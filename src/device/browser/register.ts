/** The device's side in a browser: a panel at a machine, or an app, whose page has the origin of the registry. */

import { decided } from '../deciding.ts';
import type { Registered } from '../file.ts';
import type { RegisterOptions, RegisterResult } from '../registration.ts';
import { type DeviceProgress, RegistrationSession } from '../session.ts';
import { pageOrigin, randomHex, registryByFetch, timeOfBrowser } from './platform.ts';

export type { Registered } from '../file.ts';
export {
  type Granted,
  RegistrationRefused,
  type RegistrationStatus,
  RegistryUnreachable,
} from '../registration.ts';

/** Keeps text under a name, as `localStorage` does. */
export interface KeptTexts {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
}

type OptionsInBrowser = Omit<
  RegisterOptions,
  'url' | 'caFingerprint' | 'file' | 'certificate' | 'onNew' | 'time'
>;

export interface BrowserRegisterOptions extends OptionsInBrowser {
  /** Default: the page's own origin. The registry answers pages of no other. */
  readonly url?: string;
  /** Where password and progress are kept: every script of the page's origin can read them. Default: `localStorage`. */
  readonly storage?: KeptTexts;
}

/** `password`: what it connects with by MQTT, with the username. */
export type BrowserRegisterResult = RegisterResult & { readonly password: string };

/** What was kept; what is no registration is as nothing. */
function heldIn(text: string | null): Partial<DeviceProgress> {
  try {
    const held: unknown = JSON.parse(text ?? 'null');
    return typeof held === 'object' && held !== null ? held : {};
  } catch {
    return {};
  }
}

/**
 * Registers and waits until it is granted, however long that takes. Call it again, after a reload or another day, and it
 * goes on: what it keeps is bound to the registry's address and the name.
 * @throws RegistrationRefused on a final answer; RegistryUnreachable when it must not wait; the signal's reason when it
 * aborts; what `storage` throws, before anything is sent
 */
export async function register(options: BrowserRegisterOptions): Promise<BrowserRegisterResult> {
  const { username, storage = localStorage, signal } = options;
  const url = (options.url ?? pageOrigin()).replace(/\/+$/, '');
  const name = `gatebook:${url}:${username}`;
  const held = heldIn(storage.getItem(name));
  const isSame = options.password === undefined || options.password === held.password;
  const {
    requestId = null,
    registrationToken = null,
    registered = null,
  }: Partial<DeviceProgress> = isSame ? held : {};
  const password = options.password ?? held.password ?? randomHex(32);
  // A request that was made keeps the pairing ID that it was made with.
  const pairingId =
    (requestId === null ? options.pairingId : null) ?? held.pairingId ?? randomHex(3);
  const keep = (progress: DeviceProgress) => storage.setItem(name, JSON.stringify(progress));
  const progress = { url, username, password, pairingId, requestId, registrationToken, registered };
  keep(progress);

  const session = new RegistrationSession({ ...options, url }, progress, {
    ...{ time: timeOfBrowser, inHand: null, registry: registryByFetch(url, signal) },
    markNew: async () => undefined,
    keep: async (changed) => keep(changed),
  });
  const isHeld = (registered as Registered | null) !== null;
  const result = await decided(session, { ...options, url }, { isHeld, time: timeOfBrowser });
  return { ...result, password };
}
