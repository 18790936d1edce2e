/** The registry as a device reaches it: over TLS known by the fingerprint of its CA, before anything is sent. */
import { authorityOf, OtherAuthority } from './ca.ts';
import { codeOf, type DoorRequest, type DoorResponse, send, type TlsCredentials } from './http.ts';

/** How long the server may take to show its certificate. */
const authorityTimeoutMs = 10_000;

export class DeviceRegistry {
  readonly url: string;
  readonly #trusted: readonly string[] | null;
  readonly #signal: AbortSignal | undefined;
  #ca: string | null = null;

  /** @param trusted fingerprints of roots; null: whom the system trusts is trusted */
  constructor(url: string, trusted: readonly string[] | null, signal: AbortSignal | undefined) {
    this.url = url;
    this.#trusted = trusted;
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
      if (error instanceof OtherAuthority) throw error;
      return { status: 0, body: { detail: codeOf(error) }, retryAfterMs: null };
    }
    const trusted = this.#ca === null ? {} : { ca: this.#ca };
    const url = `${this.url}${path}`;
    return await send(url, timeoutMs, this.#signal, asked, { ...trusted, ...shown });
  }
}
