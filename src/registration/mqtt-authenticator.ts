/** The implicit door: what the registry answers to an MQTT CONNECT. */
import { setTimeout as delay } from 'node:timers/promises';
import { tokenPrefix } from '../../domain/token.ts';
import { Username } from '../../domain/values.ts';
import type { Authority, Principal } from '../authority.ts';
import type {
  Admission,
  Authenticator,
  ConnectAnswer,
  ConnectAttempt,
} from '../broker/ports/authenticator.ts';
import { newCause } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import { HashingBusy } from '../credentials/passwords/passwords.ts';
import { slowedConnectMs, slowedConnectsMax } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { Conflict, StoreUnavailable } from '../store/event-store.ts';
import type { Registration } from './registration.ts';

const refusal: ConnectAnswer = { admitted: false, reason: 'refused' };
const unavailable: ConnectAnswer = { admitted: false, reason: 'unavailable' };

/** Text as UTF-8 has it, or undefined: a password that is no text is nobody's. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const admitted = (
  { row, permissions }: Principal,
  by: Pick<Admission, 'credentialId' | 'tokenId'>,
): ConnectAnswer =>
  row.status === 'active'
    ? {
        admitted: true,
        admission: {
          ...by,
          username: row.username,
          permissions,
          publishPrefix: row.rights.mqttPublishPrefix,
          pinnedClientId: row.rights.mqttClientId,
        },
      }
    : refusal;

/** Whether a password opens; beside a key it only asks again (SPEC 4): the certificate is the way in. */
const opens = (principal: Principal | undefined, credentialId: string): principal is Principal =>
  principal?.row.status === 'active' &&
  principal.row.credentialId === credentialId &&
  principal.row.passwordOpens;

async function byToken(
  authority: Authority,
  username: string,
  token: string,
): Promise<ConnectAnswer> {
  const found = await authority.bearer(token);
  return found?.token.username === username
    ? admitted(found.principal, { credentialId: null, tokenId: found.token.tokenId })
    : refusal;
}

/** Faults that go away by themselves: nothing to log. */
const passes = (error: unknown): boolean =>
  [HashingBusy, StoreUnavailable, Conflict, Refused].some((kind) => error instanceof kind);

export function createMqttAuthenticator(options: {
  registration: Registration;
  authority: Authority;
  passwordFaults: (password: string) => readonly string[];
  stopping: () => boolean;
  logger: Logger;
}): Authenticator {
  const { registration, authority, passwordFaults, logger } = options;
  let slowed = 0;

  /** A source that guesses too often waits for its refusal. */
  async function slowly(): Promise<ConnectAnswer> {
    if (slowed >= slowedConnectsMax) return refusal;
    slowed++;
    try {
      await delay(slowedConnectMs);
    } finally {
      slowed--;
    }
    return refusal;
  }

  async function byPassword(
    username: string,
    password: string,
    { clientId, source }: ConnectAttempt,
  ): Promise<ConnectAnswer> {
    const answer = await registration.ask(
      {
        username,
        password,
        source,
        flow: 'implicit',
        // The broker names a client that names itself nothing [MQTT-3.1.3-6]; that tells nobody anything.
        clientId: clientId === '' ? null : clientId,
        pairingId: null,
        context: null,
        requestedRoles: [],
        requestedPermissions: [],
        // What no policy would take as a password may still be one of before the policy.
        mayAsk: passwordFaults(password).length === 0,
      },
      newCause(),
    );
    if (answer.kind === 'throttled') return await slowly();
    if (answer.kind !== 'granted') return refusal;
    const principal = authority.active(username);
    return !opens(principal, answer.credentialId)
      ? refusal
      : admitted(principal, { credentialId: answer.credentialId, tokenId: null });
  }

  return {
    async authenticate(attempt) {
      if (options.stopping()) return unavailable;
      const name = Username.safeParse(attempt.username);
      const password = attempt.password && textOf(attempt.password);
      if (!name.success || password === undefined || password === '') return refusal;
      try {
        return password.startsWith(tokenPrefix)
          ? await byToken(authority, name.data, password)
          : await byPassword(name.data, password, attempt);
      } catch (error) {
        if (!passes(error)) logger.error('An MQTT connect could not be answered', { error });
        return unavailable;
      }
    },
  };
}
