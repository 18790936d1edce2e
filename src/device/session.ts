/** The requests of one registration, one after the other, and what is kept of their answers. */
import { type AskedRegistry, type DoorResponse, isTransient, textIn } from './answer.ts';
import type { Registered, RegistrationFile } from './file.ts';
import type { DeviceCertificate, DeviceKey } from './key-files.ts';
import {
  CertificateEnded,
  type CertificateState,
  type Granted,
  type RegisterOptions,
  RegistrationRefused,
  type RegistrationStatus,
} from './registration.ts';
import { requestLink } from './request-link.ts';
import type { DeviceTime } from './time.ts';
import { isOver, retryInMs, statusOf } from './waiting.ts';

const longPollSeconds = 30;
const requestTimeoutMs = 30_000;
/** How long a device that is registered already asks whether it still is. */
const checkTimeoutMs = 5_000;
const self = '/api/client-registry/requests/self';

/** How far a registration is; without a password, the key asks. */
export interface DeviceProgress extends Omit<RegistrationFile, 'password'> {
  readonly password: string | null;
}

/** What a device proves itself by instead of a password. */
export interface KeyInHand {
  readonly key: DeviceKey;
  readonly csr: string;
  /** As it was found. */
  readonly held: DeviceCertificate | null;
  /** What the registry sent, where it is for this key and name; null: it is not. */
  certificateIn(chain: string): DeviceCertificate | null;
  keep(certificate: DeviceCertificate): Promise<void>;
}

/** What a device stands on: how it asks, what it keeps, and its time. */
export interface DeviceParts {
  readonly registry: AskedRegistry;
  readonly time: DeviceTime;
  /** Null: it has no key. */
  readonly inHand: KeyInHand | null;
  /** Told before something new is kept. */
  markNew(): Promise<void>;
  keep(progress: DeviceProgress): Promise<void>;
}

export class RegistrationSession {
  readonly #options: RegisterOptions;
  readonly #parts: DeviceParts;
  readonly #registry: AskedRegistry;
  readonly #inHand: KeyInHand | null;
  readonly #time: DeviceTime;
  #certificate: DeviceCertificate | null;
  #file: DeviceProgress;
  #isPending = false;
  #wasTaken = false;

  constructor(options: RegisterOptions, file: DeviceProgress, parts: DeviceParts) {
    this.#options = options;
    this.#parts = parts;
    this.#registry = parts.registry;
    this.#time = parts.time;
    this.#inHand = parts.inHand;
    this.#certificate = parts.inHand?.held ?? null;
    this.#file = file;
  }

  /** A status, with what people compare it by. */
  status(
    status: RegistrationStatus['status'],
    detail: string | null = null,
    retryInMs = 0,
  ): RegistrationStatus {
    const keyFingerprint = this.#inHand?.key.fingerprint ?? null;
    const { url, username, pairingId } = this.#file;
    const link = requestLink(this.#options.pageUrl ?? url, username, pairingId);
    return { status, pairingId, keyFingerprint, link, detail, retryInMs };
  }

  async save(changes: Partial<DeviceProgress>): Promise<void> {
    const changed = { ...this.#file, ...changes };
    if (JSON.stringify(changed) !== JSON.stringify(this.#file)) await this.#parts.keep(changed);
    this.#file = changed;
  }

  /** Asks by what the files hold whether it is granted still. */
  async check(): Promise<DoorResponse> {
    if (this.#certificate !== null) return await this.#askByCertificate(this.#certificate);
    return await this.#ask(checkTimeoutMs);
  }

  /** Asks with the password, the key, or both. */
  #ask(timeoutMs: number): Promise<DoorResponse> {
    const { username, password, pairingId } = this.#file;
    const { context, requestedRoles, requestedPermissions, enrolmentCode } = this.#options;
    return this.#registry.ask('/api/client-registry/register', timeoutMs, {
      method: 'POST',
      body: {
        ...{ username, password: password ?? undefined, pairingId: pairingId ?? undefined },
        ...{ context, requestedRoles, requestedPermissions, enrolmentCode },
        csr: this.#inHand?.csr,
      },
    });
  }

  #shown = (certificate: DeviceCertificate) => ({
    cert: certificate.chain,
    key: this.#inHand?.key.pem ?? '',
  });

  #askByCertificate(certificate: DeviceCertificate): Promise<DoorResponse> {
    return this.#registry.ask(self, checkTimeoutMs, { method: 'GET' }, this.#shown(certificate));
  }

  /** The next certificate, on the word of the one in hand; null: it is not time yet. */
  async renewed(): Promise<DoorResponse | null> {
    const [certificate, csr] = [this.#certificate, this.#inHand?.csr];
    if (certificate === null || certificate.renewAt.getTime() > this.#time.nowMs()) return null;
    return await this.#registry.ask(
      '/api/client-registry/certificate',
      requestTimeoutMs,
      { method: 'POST', body: { csr } },
      this.#shown(certificate),
    );
  }

  /**
   * One quick question, to know and to say how it stands; where it is pending and there is time, a
   * long poll from then on.
   */
  async askOrPoll(waits: boolean): Promise<DoorResponse> {
    const first = await this.#askWithToken(waits && this.#isPending);
    if (first.status !== 202 || !waits || this.#isPending) return first;
    this.#isPending = true;
    await this.#savePending(first);
    this.#options.onStatus?.(this.status('pending'));
    // It holds the answer back itself; but a registry that wants more rest than that gets it.
    const isTooSoon = (first.retryAfterMs ?? 0) > longPollSeconds * 1_000;
    const mayPoll = this.#file.registrationToken !== null && !isTooSoon;
    return mayPoll ? this.#askWithToken(true) : first;
  }

  /** Saves what an answer brought, and says when to ask again. @throws RegistrationRefused */
  async undecided(answer: DoorResponse, failures: number): Promise<RegistrationStatus> {
    const status = this.#isTakenFirst(answer) ? 'username-taken' : statusOf(answer);
    if (status === null) throw new RegistrationRefused(answer);
    if (status === 'pending') await this.#savePending(answer);
    return this.status(
      status,
      textIn(answer.body, 'detail'),
      retryInMs(answer.retryAfterMs, failures),
    );
  }

  /**
   * A re-imaged device learns at its second question alone that it may wait for a replacement: both who
   * contests and who challenges are told the same at first. Each window is asked anew.
   */
  #isTakenFirst(answer: DoorResponse): boolean {
    if (isTransient(answer)) return false;
    const isTaken =
      answer.status === 409 &&
      textIn(answer.body, 'code') === 'username-taken' &&
      answer.retryAfterMs !== null;
    const isFirst = isTaken && !this.#wasTaken;
    this.#wasTaken = isTaken;
    return isFirst;
  }

  #registeredIn(body: DoorResponse['body'] | null): Registered | null {
    const registered = body as Registered | null;
    if (registered?.status !== 'granted' || registered.username !== this.#file.username)
      return null;
    return registered;
  }

  /** @param body null: nobody answered. @throws CertificateEnded, RegistrationFileError */
  async granted(body: DoorResponse['body'] | null, already: boolean): Promise<Granted> {
    const told = body === null ? this.#file.registered : this.#registeredIn(body);
    if (told === null && (body !== null || this.#certificate === null)) throw this.#isNoGatebook();
    const certificate = await this.#certified(told);
    const registered = already || told === null ? told : await this.#toldWhole(told);
    const requestId = registered?.requestId ?? this.#file.requestId;
    if (certificate === null && !already) await this.#parts.markNew();
    await this.save({ registered, requestId, registrationToken: null });
    const isHeld = already || certificate?.isNew === false;
    return { status: 'granted', registered, already: isHeld, ...(certificate && { certificate }) };
  }

  #isNoGatebook = (): Error =>
    new Error(`What answers at ${this.#registry.url} does not answer as Gatebook does.`);

  /** Keeps the certificate that came, where it is another one; null: the device has no key. */
  async #certified(registered: Registered | null): Promise<CertificateState | null> {
    const inHand = this.#inHand;
    if (inHand === null) return null;
    const chain = registered?.certificate ?? null;
    const before = this.#certificate;
    const now = chain === null ? before : inHand.certificateIn(chain);
    if (now === null) throw this.#isNoGatebook();
    if (now.notAfter.getTime() <= this.#time.nowMs()) throw new CertificateEnded(now.notAfter);
    const isNew = now.chain !== (before ?? inHand.held)?.chain;
    if (isNew) {
      await this.#parts.markNew();
      await inHand.keep(now);
    }
    this.#certificate = now;
    return { notAfter: now.notAfter, renewAt: now.renewAt, isNew };
  }

  /** A key alone, and a token that it was given, are told no rights: the certificate is, or the password. */
  async #toldWhole(registered: Registered): Promise<Registered> {
    if (this.#certificate === null) return registered;
    const byCertificate = await this.#askByCertificate(this.#certificate);
    const isTold = byCertificate.status === 201 || this.#file.password === null;
    const answer = isTold ? byCertificate : await this.#ask(requestTimeoutMs);
    return (answer.status === 201 && this.#registeredIn(answer.body)) || registered;
  }

  /** With the registration token where there is one, so that the password is sent once. */
  async #askWithToken(waits: boolean): Promise<DoorResponse> {
    if (this.#file.registrationToken !== null) {
      const answer = await this.#poll(this.#file.registrationToken, waits);
      if (!isOver(answer)) return answer;
      await this.save({ registrationToken: null });
    }
    return this.#ask(requestTimeoutMs);
  }

  #poll(token: string, waits: boolean): Promise<DoorResponse> {
    const timeoutMs = requestTimeoutMs + longPollSeconds * 1_000;
    const prefer = waits && { prefer: `wait=${longPollSeconds}` };
    const headers = { authorization: `Bearer ${token}`, ...prefer };
    return this.#registry.ask(self, timeoutMs, { method: 'GET', headers });
  }

  async #savePending({ body }: DoorResponse): Promise<void> {
    await this.save({
      requestId: textIn(body, 'requestId') ?? this.#file.requestId,
      pairingId: textIn(body, 'pairingId') ?? this.#file.pairingId,
      registrationToken: textIn(body, 'registrationToken') ?? this.#file.registrationToken,
    });
  }

  /** The certificate in hand opens nothing any more; what the key itself is told counts. @returns whether there was one */
  forgetCertificate(): boolean {
    const wasHeld = this.#certificate !== null;
    this.#certificate = null;
    return wasHeld;
  }
}
