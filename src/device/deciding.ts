/** From the first ask to the decision, however long that takes. */
import { type DoorResponse, isTransient } from './answer.ts';
import {
  type Granted,
  type RegisterOptions,
  type RegisterResult,
  RegistryUnreachable,
} from './registration.ts';
import type { RegistrationSession } from './session.ts';
import type { DeviceTime } from './time.ts';
import { retryInMs } from './waiting.ts';

/** @param isHeld what the device keeps says that it is granted. @throws RegistrationRefused, RegistryUnreachable; the signal's reason */
export async function decided(
  session: RegistrationSession,
  { wait, signal, onStatus }: RegisterOptions,
  { isHeld, time }: { readonly isHeld: boolean; readonly time: DeviceTime },
): Promise<RegisterResult> {
  onStatus?.(session.status('asking'));

  // By a password it is the question that is asked below, too, and is not asked again before its time.
  let answered: DoorResponse | null = null;
  if (isHeld) {
    answered = await session.check();
    const result = await goOn(session, answered);
    if (result !== null) return result;
    const wasByCertificate = session.forgetCertificate();
    await session.save({ registered: null, requestId: null, registrationToken: null });
    if (wasByCertificate) {
      if (answered.retryAfterMs !== null && wait !== false)
        await time.sleep(retryInMs(answered.retryAfterMs, 0), signal);
      answered = null;
    }
  }

  for (let failures = 0; ; answered = null) {
    const answer = answered ?? (await session.askOrPoll(wait !== false));
    if (answer.status === 201) return session.granted(answer.body, false);
    failures = isTransient(answer) ? failures + 1 : 0;
    const status = await session.undecided(answer, failures);
    if (wait === false && status.status !== 'username-taken') {
      if (isTransient(answer)) throw new RegistryUnreachable(status);
      return { status: 'undecided', because: status, answer: answer.body };
    }
    onStatus?.(status);
    await time.sleep(status.retryInMs, signal);
  }
}

/** A device that is granted already stays so while nobody answers; null: the registry says otherwise. */
async function goOn(session: RegistrationSession, answer: DoorResponse): Promise<Granted | null> {
  if (isTransient(answer)) return await session.granted(null, true);
  if (answer.status !== 201) return null;
  const renewed = await session.renewed();
  if (renewed === null) return await session.granted(answer.body, true);
  if (renewed.status === 201) return await session.granted(renewed.body, true);
  // The old one is good for a third of its life: whoever calls may do so again.
  throw new RegistryUnreachable(await session.undecided(renewed, 1));
}
