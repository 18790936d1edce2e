/** The registry's CA, known by its fingerprint alone: found in what the server shows before anything is sent to it. */
import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';

/** The server shows no certificate with that fingerprint. Nothing was sent to it. */
export class OtherAuthority extends Error {
  override name = 'OtherAuthority';
  /** Of the root that it shows; null: it shows none. */
  readonly found: string | null;
  constructor(found: string | null) {
    super(
      found === null
        ? 'The server shows no certificate authority.'
        : `The server shows another certificate authority: its fingerprint is ${found}.`,
    );
    this.found = found;
  }
}

/** 64 hex digits in small letters, of a SHA-256 as people write it; null: it is none. */
export function fingerprintOf(text: string): string | null {
  const hex = text.replace(/[\s:]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : null;
}

const chainLengthMax = 8;

/** The certificates that a server showed, its own first. */
function chainOf(shown: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let one = shown; one?.raw !== undefined && chain.length < chainLengthMax; ) {
    chain.push(one);
    if (one.issuerCertificate === one) break;
    one = one.issuerCertificate;
  }
  return chain;
}

/**
 * The CA's certificate, PEM. What it vouches for, and for which host, the connection that trusts it has to check.
 * @param fingerprints SHA-256 of the DER of each root that is trusted, as `fingerprintOf` writes it
 * @throws OtherAuthority, and the system's error where there is no answer
 */
export async function authorityOf(
  url: string,
  fingerprints: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return await new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port: port === '' ? 443 : Number(port) },
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      // Nothing is sent on this connection: it only shows who could be trusted.
      rejectUnauthorized: false,
    });
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
    );
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const chain = chainOf(socket.getPeerCertificate(true)).map(
        ({ raw }) => new X509Certificate(raw),
      );
      socket.destroy();
      const digests = chain.map(({ fingerprint256 }) => fingerprintOf(fingerprint256));
      const root = chain.find((_, at) => fingerprints.includes(digests[at] ?? ''));
      if (root?.ca === true) resolve(root.toString());
      else reject(new OtherAuthority(chain.length > 1 ? (digests.at(-1) ?? null) : null));
    });
  });
}
