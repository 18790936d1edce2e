/** The device's side: makes a password or a key, asks for access, waits for the decision, keeps what it got. */
import { decided } from './deciding.ts';
import { writeRegistrationFile } from './file.ts';
import { rootsIn } from './key-files.ts';
import { openKeyInHand, openProgress } from './progress.ts';
import type { RegisterOptions, RegisterResult } from './registration.ts';
import { DeviceRegistry } from './registry.ts';
import { type DeviceParts, RegistrationSession } from './session.ts';
import { realTime } from './time.ts';
import { markUntold, tellOfNew } from './untold.ts';

export { OtherAuthority } from './ca.ts';
export { type Registered, RegistrationFileError } from './file.ts';
export {
  CertificateEnded,
  type Granted,
  type RegisterResult,
  RegistrationRefused,
  type RegistrationStatus,
  RegistryUnreachable,
} from './registration.ts';

/**
 * Registers a device and waits until it is granted, however long that takes: over restarts, lost
 * connections, a locked or busy registry. Call it again with the same files and it goes on; a certificate of
 * which two thirds are over is then renewed.
 * @throws RegistrationRefused on a final answer; RegistryUnreachable when it must not wait; OtherAuthority;
 * CertificateEnded; RegistrationFileError; the signal's reason when it aborts; what `onNew` throws.
 */
export async function register(options: RegisterOptions): Promise<RegisterResult> {
  const result = await asked(options);
  if (result.status === 'granted') await tellOfNew(options, result);
  return result;
}

async function asked(options: RegisterOptions): Promise<RegisterResult> {
  const { time = realTime, signal } = options;
  const url = options.url.replace(/\/+$/, '');
  const inHand = await openKeyInHand(options, url);
  const file = await openProgress(options, url, inHand);
  const { caFingerprint } = options;
  // What the registry told with the certificate, over a connection that was trusted, is trusted, too.
  const trusted =
    caFingerprint === undefined ? null : [caFingerprint, ...rootsIn(inHand?.held?.chain ?? '')];
  const parts: DeviceParts = {
    ...{ time, inHand, registry: new DeviceRegistry(url, trusted, { time, signal }) },
    markNew: () => markUntold(options),
    async keep({ url, username, password, ...rest }) {
      // In the order that people read it in.
      if (options.file !== undefined && password !== null)
        await writeRegistrationFile(options.file, { url, username, password, ...rest });
    },
  };
  const session = new RegistrationSession(options, file, parts);
  const isHeld =
    inHand === null ? file.registered !== null : isGood(inHand.held?.notAfter, time.nowMs());
  return await decided(session, options, { isHeld, time });
}

const isGood = (notAfter: Date | undefined, nowMs: number): boolean =>
  notAfter !== undefined && notAfter.getTime() > nowMs;
