/** The implicit door: what the registry answers to an MQTT CONNECT. */
import { isUtf8 } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledPermissions } from '../../domain/matching.ts';
import { tokenPrefix } from '../../domain/token.ts';
import { Username } from '../../domain/values.ts';
import type { Authority, Principal } from '../authority.ts';
import type {
  Admission,
  Authenticator,
  ConnectAnswer,
  ConnectAttempt,
  ShownCertificate,
} from '../broker/ports/authenticator.ts';
import { newCause } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import type { ClientAuth } from '../config/values.ts';
import { HashingBusy } from '../credentials/passwords/passwords.ts';
import { slowedConnectMs, slowedConnectsMax } from '../limits/doors.ts';
import type { Logger } from '../logger.ts';
import { type Soon, soon } from '../platform/soon.ts';
import { Conflict, StoreUnavailable } from '../store/event-store.ts';
import type { ClientCertificates } from './client-certificate.ts';
import type { DoorAttempt } from './door-attempt.ts';
import type { KnownLogin, KnownLogins } from './known-logins.ts';
import type { Registration } from './registration.ts';

const refusal: ConnectAnswer = { admitted: false, reason: 'refused' };
const unavailable: ConnectAnswer = { admitted: false, reason: 'unavailable' };

/** Text as UTF-8 has it, or undefined: a password that is no text is nobody's. */
const textOf = (bytes: Buffer): string | undefined =>
  isUtf8(bytes) ? bytes.toString('utf8') : undefined;

const admitted = (
  { row, permissions }: Principal,
  by: Pick<Admission, 'credentialId' | 'tokenId' | 'certificate'>,
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

/** The same where a password opened; beside a key it only asks again (SPEC 4): the certificate is the way in. */
function admittedByPassword(
  login: KnownLogin | undefined,
  credentialId: string,
  hasCertificate: boolean,
): ConnectAnswer {
  if (login?.credentialId !== credentialId || !(hasCertificate || login.passwordOpens))
    return refusal;
  return { admitted: true, admission: new AdmissionOf(login) };
}

/** Its permissions are worked out when somebody asks for them: many a device comes only to be there. */
class AdmissionOf implements Admission {
  readonly username: string;
  readonly credentialId: string;
  readonly tokenId = null;
  readonly certificate = null;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
  readonly held: KnownLogin;
  #permissions: CompiledPermissions | null = null;

  constructor(login: KnownLogin) {
    this.username = login.username;
    this.credentialId = login.credentialId;
    this.publishPrefix = login.publishPrefix;
    this.pinnedClientId = login.pinnedClientId;
    this.held = login;
  }

  get permissions(): CompiledPermissions {
    this.#permissions ??= this.held.permissions;
    return this.#permissions;
  }
}

async function byToken(
  authority: Authority,
  username: string,
  token: string,
): Promise<ConnectAnswer> {
  const found = await authority.bearer(token);
  return found?.token.username === username
    ? admitted(found.principal, {
        ...{ credentialId: null, certificate: null },
        tokenId: found.token.tokenId,
      })
    : refusal;
}

/** Faults that go away by themselves: nothing to log. */
const passes = (error: unknown): boolean =>
  [HashingBusy, StoreUnavailable, Conflict, Refused].some((kind) => error instanceof kind);

interface MqttAuthenticatorOptions {
  registration: Registration;
  authority: Authority;
  logins: Pick<KnownLogins, 'active'>;
  certificates: Pick<ClientCertificates, 'standing' | 'use'>;
  /** What is wanted of a client. */
  clientAuth: ClientAuth;
  passwordFaults: (password: string) => readonly string[];
  stopping: () => boolean;
  logger: Logger;
}

/** A password that was shown in a CONNECT. */
class ImplicitAttempt implements DoorAttempt {
  readonly username: string;
  readonly password: string;
  readonly source: string | null;
  readonly flow = 'implicit';
  readonly clientId: string | null;
  readonly pairingId = null;
  readonly context = null;
  readonly requestedRoles = [];
  readonly requestedPermissions = [];
  readonly gone?: () => AbortSignal;
  readonly #hasCertificate: boolean;
  readonly #faultsOf: MqttAuthenticatorOptions['passwordFaults'];

  constructor(
    username: string,
    password: string,
    { clientId, source, certificate, gone }: ConnectAttempt,
    faultsOf: MqttAuthenticatorOptions['passwordFaults'],
  ) {
    this.username = username;
    this.password = password;
    this.source = source;
    if (gone !== undefined) this.gone = gone;
    // The broker names a client that names itself nothing [MQTT-3.1.3-6]; that tells nobody anything.
    this.clientId = clientId === '' ? null : clientId;
    this.#hasCertificate = certificate !== null;
    this.#faultsOf = faultsOf;
  }

  /**
   * What no policy would take as a password may still be one of before the policy. Who has a certificate asks for
   * nothing: the password beside it is right, or it is not. Looked at where it matters: most are right.
   */
  get mayAsk(): boolean {
    return !this.#hasCertificate && this.#faultsOf(this.password).length === 0;
  }
}

/** Judges what comes as a password: one, or a token. */
function secretsOf({ registration, authority, logins, passwordFaults }: MqttAuthenticatorOptions) {
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

  function byPassword(
    username: string,
    password: string,
    attempt: ConnectAttempt,
  ): Soon<ConnectAnswer> {
    const { certificate } = attempt;
    const shown = new ImplicitAttempt(username, password, attempt, passwordFaults);
    return soon(registration.ask(shown, newCause()), (answer) => {
      if (answer.kind === 'throttled') return slowly();
      if (answer.kind !== 'granted') return refusal;
      const login = logins.active(username);
      return admittedByPassword(login, answer.credentialId, certificate !== null);
    });
  }

  return function bySecret(
    username: string,
    secret: Buffer,
    attempt: ConnectAttempt,
  ): Soon<ConnectAnswer> {
    const password = textOf(secret);
    if (password === undefined || password === '') return refusal;
    return password.startsWith(tokenPrefix)
      ? byToken(authority, username, password)
      : byPassword(username, password, attempt);
  };
}

export function createMqttAuthenticator(options: MqttAuthenticatorOptions): Authenticator {
  const { authority, clientAuth, logger } = options;
  const bySecret = secretsOf(options);

  /** A certificate opens by itself; a password or token that is sent with it must be right (WIRE, MQTT TLS). */
  async function byCertificate(
    certificate: ShownCertificate,
    attempt: ConnectAttempt,
  ): Promise<ConnectAnswer> {
    const { username } = certificate;
    const { standing, use } = options.certificates;
    if ((attempt.username ?? username) !== username) return refusal;
    if (attempt.password === undefined && clientAuth === 'both') return refusal;
    // Before any password is looked at; a conflict is recorded by the use.
    if (standing(certificate) === 'invalid' && !(await use(certificate, newCause())))
      return refusal;
    const secret = attempt.password && (await bySecret(username, attempt.password, attempt));
    if (secret?.admitted === false) return secret;
    // Once more: the password may have taken its time. A next one is taken by its first use.
    if (!(await use(certificate, newCause()))) return refusal;
    const principal = authority.active(username);
    if (principal?.row.status !== 'active') return refusal;
    const { credentialId } = principal.row;
    const tokenId = secret?.admission.tokenId ?? null;
    return admitted(principal, { credentialId, tokenId, certificate });
  }

  function answerTo(attempt: ConnectAttempt): Soon<ConnectAnswer> {
    const { certificate, password } = attempt;
    if (certificate !== null) return byCertificate(certificate, attempt);
    const name = Username.safeParse(attempt.username);
    if (clientAuth !== 'either' || !name.success || password === undefined) return refusal;
    return bySecret(name.data, password, attempt);
  }

  function failed(error: unknown): ConnectAnswer {
    if (!passes(error)) logger.error('An MQTT connect could not be answered', { error });
    return unavailable;
  }

  return {
    authenticate(attempt) {
      if (options.stopping()) return unavailable;
      try {
        const answer = answerTo(attempt);
        return answer instanceof Promise ? answer.catch(failed) : answer;
      } catch (error) {
        return failed(error);
      }
    },
  };
}
