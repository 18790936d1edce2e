/** The device's side: makes a password or a key, asks for access, waits for the decision, keeps what it got. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './http.ts';
import { openKeyInHand, openProgress } from './progress.ts';
import { type RegisterOptions, type RegisterResult, RegistryUnreachable } from './registration.ts';
import { RegistrationSession } from './session.ts';

export { OtherAuthority } from './ca.ts';
export { type Registered, RegistrationFileError } from './file.ts';
export {
  CertificateEnded,
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
 * CertificateEnded; RegistrationFileError; the signal's reason when it aborts.
 */
export async function register(options: RegisterOptions): Promise<RegisterResult> {
  const url = options.url.replace(/\/+$/, '');
  const inHand = await openKeyInHand(options, url);
  const file = await openProgress(options, url, inHand);
  const session = new RegistrationSession(options, file, inHand);
  options.onStatus?.(session.status('asking'));

  const isHeld = inHand === null ? file.registered !== null : isGood(inHand.held?.notAfter);
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
    await sleep(status.retryInMs, undefined, options.signal && { signal: options.signal }).catch(
      () => options.signal?.throwIfAborted(),
    );
  }
}

const isGood = (notAfter: Date | undefined): boolean =>
  notAfter !== undefined && notAfter.getTime() > Date.now();

/** A device that is granted already stays so while nobody answers; null: the registry says otherwise. */
async function goOn(session: RegistrationSession): Promise<RegisterResult | null> {
  const answer = await session.check();
  if (isTransient(answer)) return await session.granted(null, true);
  if (answer.status !== 201) return null;
  const renewed = await session.renewed();
  if (renewed === null) return await session.granted(answer.body, true);
  if (renewed.status === 201) return await session.granted(renewed.body, true);
  // The old one is good for a third of its life: whoever calls may do so again.
  throw new RegistryUnreachable(await session.undecided(renewed, 1));
}
