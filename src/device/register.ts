/** The device's side: makes a password, asks for access, waits for the decision, keeps what it got. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DevicePermission,
  type Registered,
  type RegistrationFile,
  RegistrationFileError,
  readRegistrationFile,
  writeRegistrationFile,
} from './file.ts';
import { type DoorResponse, isTransient, send, textIn } from './http.ts';

export { type Registered, type RegistrationFile, RegistrationFileError } from './file.ts';

export interface RegisterOptions {
  /** The registry's address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly username: string;
  /** Default: the file's, or a new one of 256 bits. */
  readonly password?: string;
  /** Six hex digits to show beside the device; default: the file's, or new ones. */
  readonly pairingId?: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly requestedRoles?: readonly string[];
  readonly requestedPermissions?: readonly DevicePermission[];
  /** Where credentials and progress are kept; run again with the same file, it goes on. */
  readonly file: string;
  /** Whether to wait for the decision (default), or to ask once, and once more where the name is taken. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: RegistrationStatus) => void;
}

export interface RegistrationStatus {
  readonly status:
    | 'asking'
    | 'pending'
    | 'locked'
    /** Somebody else holds the name; asked once more, the registry says whether this device may replace it. */
    | 'username-taken'
    | 'replacement-pending'
    | 'busy'
    | 'faulty'
    | 'unreachable';
  readonly pairingId: string | null;
  /** What the registry or the network said. */
  readonly detail: string | null;
  /** Until it asks again. */
  readonly retryInMs: number;
}

export type RegisterResult =
  /** `already`: the file said so before anything was asked. */
  | { readonly status: 'granted'; readonly registered: Registered; readonly already: boolean }
  /** With `wait: false` alone. `answer`: the body that the registry sent. */
  | {
      readonly status: 'undecided';
      readonly because: RegistrationStatus;
      readonly answer: Readonly<Record<string, unknown>>;
    };

/** The registry refused for good: asking again the same way gives the same answer. */
export class RegistrationRefused extends Error {
  override name = 'RegistrationRefused';
  readonly status: number;
  readonly code: string | null;
  readonly problem: Readonly<Record<string, unknown>>;
  constructor(answer: DoorResponse) {
    super(textIn(answer.body, 'detail') ?? `The registry answered with status ${answer.status}.`);
    this.status = answer.status;
    this.code = textIn(answer.body, 'code');
    this.problem = answer.body;
  }
}

/** Nobody answered, or the registry is too busy or has a fault; with `wait: false` alone. */
export class RegistryUnreachable extends Error {
  override name = 'RegistryUnreachable';
  readonly status: RegistrationStatus['status'];
  constructor(because: RegistrationStatus) {
    super(because.detail ?? 'no answer');
    this.status = because.status;
  }
}

const longPollSeconds = 30;
const requestTimeoutMs = 30_000;
/** How long a device that is registered already asks whether it still is. */
const checkTimeoutMs = 5_000;
const retryMinMs = 250;
const retryDefaultMs = 5_000;
const backOffMaxMs = 60_000;
const retryMaxMs = 3_600_000;

/**
 * Registers a device and waits until it is granted, however long that takes: over restarts, lost
 * connections, a locked or busy registry. Call it again with the same file and it goes on.
 * @throws RegistrationRefused on a final answer; RegistryUnreachable when it must not wait;
 * RegistrationFileError; the signal's reason when it aborts.
 */
export async function register(options: RegisterOptions): Promise<RegisterResult> {
  const url = options.url.replace(/\/+$/, '');
  const file = await openFile(options, url);
  const session = new RegistrationSession(options, url, file);
  options.onStatus?.({ status: 'asking', pairingId: file.pairingId, detail: null, retryInMs: 0 });

  if (file.registered !== null) {
    const answer = await session.ask(checkTimeoutMs);
    const isKnown = answer.status === 201 || isTransient(answer);
    if (isKnown) return session.granted(answer.status === 201 ? answer.body : null, true);
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

/** The file as it was left, or a new one. It is on disk before anything is sent, so no password is lost. */
async function openFile(options: RegisterOptions, url: string): Promise<RegistrationFile> {
  const { username, password, file: path } = options;
  const held = await readRegistrationFile(path);
  const differs = (what: string) =>
    new RegistrationFileError(
      `${path} belongs to another ${what}. Nothing was changed; give another file, or remove this one.`,
    );
  if (held !== null) {
    if (held.username !== username) throw differs(`name: ${held.username}`);
    if (held.url !== url) throw differs(`registry: ${held.url}`);
    if (password !== undefined && password !== held.password) throw differs('password');
    // A request that was made keeps the pairing ID that it was made with.
    if (held.requestId !== null || options.pairingId === undefined) return held;
  }
  const file: RegistrationFile = {
    url,
    username,
    password: held?.password ?? password ?? randomBytes(32).toString('hex'),
    requestId: null,
    pairingId: options.pairingId ?? held?.pairingId ?? randomBytes(3).toString('hex'),
    registrationToken: null,
    registered: held?.registered ?? null,
  };
  await writeRegistrationFile(path, file);
  return file;
}

const isBusy = ({ status }: DoorResponse): boolean =>
  status === 408 || status === 429 || status === 503;

/**
 * The token has ended, or its request is over: ask with the password, which knows of what came after, such as
 * a request that nobody decided in time and a window in which another one may be made.
 */
const isOver = (answer: DoorResponse): boolean =>
  answer.status !== 201 && statusOf(answer) === null;

/** The requests of one registration, and its file. */
class RegistrationSession {
  readonly #options: RegisterOptions;
  readonly #url: string;
  #file: RegistrationFile;
  #isPending = false;
  #wasTaken = false;

  constructor(options: RegisterOptions, url: string, file: RegistrationFile) {
    this.#options = options;
    this.#url = url;
    this.#file = file;
  }

  async save(changes: Partial<RegistrationFile>): Promise<void> {
    const changed = { ...this.#file, ...changes };
    if (JSON.stringify(changed) !== JSON.stringify(this.#file))
      await writeRegistrationFile(this.#options.file, changed);
    this.#file = changed;
  }

  /** Asks with the password. */
  ask(timeoutMs: number): Promise<DoorResponse> {
    const { username, password, pairingId } = this.#file;
    const { context, requestedRoles, requestedPermissions, signal } = this.#options;
    return send(`${this.#url}/api/client-registry/register`, timeoutMs, signal, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ username, password, pairingId: pairingId ?? undefined },
        ...{ context, requestedRoles, requestedPermissions },
      }),
    });
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
    this.#options.onStatus?.({
      status: 'pending',
      pairingId: this.#file.pairingId,
      detail: null,
      retryInMs: 0,
    });
    return this.#file.registrationToken === null ? first : this.#askWithToken(true);
  }

  /** Saves what an answer brought, and says when to ask again. @throws RegistrationRefused */
  async undecided(answer: DoorResponse, failures: number): Promise<RegistrationStatus> {
    const status = this.#isTakenFirst(answer) ? 'username-taken' : statusOf(answer);
    if (status === null) throw new RegistrationRefused(answer);
    if (status === 'pending') await this.#savePending(answer);
    return {
      status,
      pairingId: this.#file.pairingId,
      detail: textIn(answer.body, 'detail'),
      retryInMs: retryInMs(answer.retryAfterMs, failures),
    };
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

  async granted(body: DoorResponse['body'] | null, already: boolean): Promise<RegisterResult> {
    const registered = (body as Registered | null) ?? this.#file.registered;
    if (registered?.status !== 'granted' || registered.username !== this.#file.username)
      throw new Error(`What answers at ${this.#url} does not answer as Gatebook does.`);
    await this.save({
      registered,
      requestId: registered.requestId ?? this.#file.requestId,
      registrationToken: null,
    });
    return { status: 'granted', registered, already };
  }

  /** With the registration token where there is one, so that the password is sent once. */
  async #askWithToken(waits: boolean): Promise<DoorResponse> {
    if (this.#file.registrationToken !== null) {
      const answer = await this.#poll(this.#file.registrationToken, waits);
      if (!isOver(answer)) return answer;
      await this.save({ registrationToken: null });
    }
    return this.ask(requestTimeoutMs);
  }

  #poll(token: string, waits: boolean): Promise<DoorResponse> {
    const timeoutMs = requestTimeoutMs + longPollSeconds * 1_000;
    const url = `${this.#url}/api/client-registry/requests/self`;
    return send(url, timeoutMs, this.#options.signal, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(waits && { prefer: `wait=${longPollSeconds}` }),
      },
    });
  }

  async #savePending({ body }: DoorResponse): Promise<void> {
    await this.save({
      requestId: textIn(body, 'requestId') ?? this.#file.requestId,
      pairingId: textIn(body, 'pairingId') ?? this.#file.pairingId,
      registrationToken: textIn(body, 'registrationToken') ?? this.#file.registrationToken,
    });
  }
}

/** What an answer that is no grant means for a device; null: it is final. */
function statusOf(answer: DoorResponse): RegistrationStatus['status'] | null {
  if (answer.status === 0) return 'unreachable';
  if (isTransient(answer)) return isBusy(answer) ? 'busy' : 'faulty';
  if (answer.status === 202) return 'pending';
  if (answer.status === 423) return 'locked';
  if (answer.status === 409 && textIn(answer.body, 'code') === 'replacement-pending')
    return 'replacement-pending';
  return null;
}

/** Never earlier than the registry asked for, and not all devices at the same moment. */
function retryInMs(retryAfterMs: number | null, failures: number): number {
  const backOffMs = Math.min(backOffMaxMs, 1_000 * 2 ** Math.min(failures - 1, 10));
  const askedMs = retryAfterMs ?? (failures > 0 ? backOffMs : retryDefaultMs);
  return Math.round(Math.max(retryMinMs, Math.min(askedMs, retryMaxMs)) * (1 + Math.random() / 5));
}
