/** Certificates made by openssl, and requests over TLS as a client makes them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { runProgram } from './program.ts';

export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** For localhost and 127.0.0.1, good for two days. */
export async function selfSigned(name = 'localhost'): Promise<KeyAndCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const { code, output } = await runProgram('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ]);
    if (code !== 0) throw new Error(output);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface TlsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** SHA-256 of the certificate that the server showed. */
  readonly fingerprint: string;
}

/** @param options `ca`: who is trusted, PEM */
export async function overTls(
  url: string,
  options: {
    readonly ca: string;
    readonly agent?: Agent;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly key?: string;
    readonly cert?: string;
  },
): Promise<TlsAnswer> {
  const { body, headers, ...how } = options;
  const content = body === undefined ? undefined : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const sent = request(url, {
      ...how,
      headers: {
        ...(content === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      const { fingerprint256: fingerprint } = (response.socket as TLSSocket).getPeerCertificate();
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => {
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text, fingerprint });
      });
    });
    sent.end(content);
  });
}
