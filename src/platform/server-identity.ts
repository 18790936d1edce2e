/** The certificate that TLS listeners show; a new one counts for the next handshake, and no connection is lost. */
import type { SecureContextOptions, Server } from 'node:tls';

export interface ServerIdentity {
  /** Key and chain as they are now. */
  current(): SecureContextOptions;
  /** Told each time that there are others. */
  onChange(listener: () => void): void;
  /** `current` is asked at each handshake; absent: it stands until `onChange` tells. */
  readonly isAnewEachTime?: boolean;
}

/** Clients are asked for a certificate, and need none: who looks at it says what it is worth, not the handshake. */
export const certificatesAsked = { requestCert: true, rejectUnauthorized: false } as const;

/** The same identity, which tells clients whose certificates are asked for. */
export const askingCertificatesOf = (
  identity: ServerIdentity,
  trustPem: string,
): ServerIdentity => ({
  current: () => ({ ...identity.current(), ca: trustPem }),
  onChange: (listener) => identity.onChange(listener),
});

/** Lets a listener that began with `identity.current()` follow its changes. */
export function followIdentity(
  server: Pick<Server, 'setSecureContext' | 'prependListener'>,
  identity: ServerIdentity,
): void {
  const renew = () => server.setSecureContext(identity.current());
  identity.onChange(renew);
  if (identity.isAnewEachTime === true) server.prependListener('connection', renew);
}

/** An identity whose owner sets it. */
export class ChangingIdentity implements ServerIdentity {
  #current: SecureContextOptions;
  readonly #listeners: (() => void)[] = [];

  constructor(current: SecureContextOptions) {
    this.#current = current;
  }

  current(): SecureContextOptions {
    return this.#current;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  change(next: SecureContextOptions): void {
    this.#current = next;
    for (const listener of this.#listeners) listener();
  }
}
