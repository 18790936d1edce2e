/** The device's side: makes a password or a key, asks for access, waits for the decision, keeps what it got. */
import { isTransient } from './http.ts';
import { openKeyInHand, openProgress } from './progress.ts';
import {
  type Granted,
  type RegisterOptions,
  type RegisterResult,
  RegistryUnreachable,
} from './registration.ts';
import { RegistrationSession } from './session.ts';
import { realTime } from './time.ts';
import { tellOfNew } from './untold.ts';

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
  const result = await decided(options);
  if (result.status === 'granted') await tellOfNew(options, result);
  return result;
}

async function decided(options: RegisterOptions): Promise<RegisterResult> {
  const { time = realTime, signal } = options;
  const url = options.url.replace(/\/+$/, '');
  const inHand = await openKeyInHand(options, url);
  const file = await openProgress(options, url, inHand);
  const session = new RegistrationSession(options, file, inHand);
  options.onStatus?.(session.status('asking'));

  const isHeld =
    inHand === null ? file.registered !== null : isGood(inHand.held?.notAfter, time.nowMs());
  if (isHeld) {
    const result = await goOn(session);
    if (result !== null) return result;
    session.forgetCertificate();
    await session.save({ registered: null, requestId: null, registrationToken: null });
  }

  for (let failures = 0; ; ) {
    const answer = await session.askOrPoll(options.wait !== false);
    if (answer.status === 201) return session.granted(answer.body, false);
    failures = isTransient(answer) ? failures + 1 : 0;
    const status = await session.undecided(answer, failures);
    if (options.wait === false && status.status !== 'username-taken') {
      if (isTransient(answer)) throw new RegistryUnreachable(status);
      return { status: 'undecided', because: status, answer: answer.body };
    }
    options.onStatus?.(status);
    await time.sleep(status.retryInMs, signal);
  }
}

const isGood = (notAfter: Date | undefined, nowMs: number): boolean =>
  notAfter !== undefined && notAfter.getTime() > nowMs;

/** A device that is granted already stays so while nobody answers; null: the registry says otherwise. */
async function goOn(session: RegistrationSession): Promise<Granted | null> {
  const answer = await session.check();
  if (isTransient(answer)) return await session.granted(null, true);
  if (answer.status !== 201) return null;
  const renewed = await session.renewed();
  if (renewed === null) return await session.granted(answer.body, true);
  if (renewed.status === 201) return await session.granted(renewed.body, true);
  // The old one is good for a third of its life: whoever calls may do so again.
  throw new RegistryUnreachable(await session.undecided(renewed, 1));
}
