/** The registry as a device reaches it: over TLS known by the fingerprint of its CA, before anything is sent. */
import type { AskedRegistry, DoorRequest, DoorResponse } from './answer.ts';
import { authorityOf, OtherAuthority } from './ca.ts';
import { codeOf, send, type TlsCredentials } from './http.ts';
import type { DeviceTime } from './time.ts';

/** How long the server may take to show its certificate. */
const authorityTimeoutMs = 10_000;

export class DeviceRegistry implements AskedRegistry {
  readonly url: string;
  readonly #trusted: readonly string[] | null;
  readonly #time: DeviceTime;
  readonly #signal: AbortSignal | undefined;
  #ca: string | null = null;
  #wasReached = false;

  /** @param trusted fingerprints of roots; null: whom the system trusts is trusted */
  constructor(
    url: string,
    trusted: readonly string[] | null,
    { time, signal }: { readonly time: DeviceTime; readonly signal: AbortSignal | undefined },
  ) {
    this.url = url;
    this.#trusted = trusted;
    this.#time = time;
    this.#signal = signal;
  }

  /** @param shown the certificate that is shown, with its key. @throws OtherAuthority; the signal's reason */
  async ask(
    path: string,
    timeoutMs: number,
    asked: DoorRequest,
    shown: Pick<TlsCredentials, 'cert' | 'key'> = {},
  ): Promise<DoorResponse> {
    try {
      if (this.#trusted !== null)
        this.#ca ??= await authorityOf(this.url, this.#trusted, authorityTimeoutMs);
    } catch (error) {
      this.#signal?.throwIfAborted();
      const isOther = error instanceof OtherAuthority;
      // At first it is a wrong address or fingerprint. Who answered before may be back soon: nobody stops a device by coming between once.
      if (isOther && !this.#wasReached) throw error;
      const detail = isOther ? error.message : codeOf(error);
      return { status: 0, body: { detail }, retryAfterMs: null };
    }
    const trusted = this.#ca === null ? {} : { ca: this.#ca };
    const url = `${this.url}${path}`;
    const sending = { time: this.#time, timeoutMs, signal: this.#signal };
    const answer = await send(url, sending, asked, { ...trusted, ...shown });
    // The registry may have got another CA that is trusted, too.
    if (answer.status === 0) this.#ca = null;
    else this.#wasReached = true;
    return answer;
  }
}
