/** What clients of EST say to a registry: over TLS, with what they have of a name, a password, a certificate. */
import { execFileSync } from 'node:child_process';
import { type Agent, request } from 'node:https';
import type { CertifiedClient } from './certificate-in-hand.ts';
import { csrDer, keyPairs } from './csr.ts';
import type { World } from './service.ts';

export interface EstAnswer {
  readonly status: number;
  /** As they came, without the moment. */
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface EstCall {
  readonly method?: string;
  /** Base64, as it is sent. */
  readonly body?: string | Buffer;
  /** `name:password`. */
  readonly basic?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly shown?: Pick<CertifiedClient, 'key' | 'cert'>;
  /** Default: the port with everything. */
  readonly url?: string;
  /** Keeps its connections; absent: one for this call. */
  readonly agent?: Agent;
  readonly ca?: string;
}

export const estPath = '/.well-known/est/';
export const caOf = async (world: World) =>
  await (await fetch(`${world.url}/ca/certificate`)).text();

/** A request for a key of its own, or for the one given: DER in base64. */
export function newPkcs10(username: string, keys = keyPairs.p256()) {
  return { ...keys, csr: csrDer({ username, ...keys }).toString('base64') };
}

const withoutDate = (raw: readonly string[]): string[] =>
  raw.flatMap((value, at) => {
    const name = raw[at - (at % 2)]?.toLowerCase();
    return name === 'date' ? [] : [value];
  });

export async function askEst(
  world: World,
  operation: string,
  call: EstCall = {},
): Promise<EstAnswer> {
  const { method, body, basic, headers, shown, agent = false } = call;
  const { url = world.running.ready.https, ca = await caOf(world) } = call;
  const basicHeader =
    basic === undefined ? {} : { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
  return await new Promise((resolve, reject) => {
    const sent = request(`${url}${estPath}${operation}`, {
      ...{ ca, agent, method: method ?? (body === undefined ? 'GET' : 'POST') },
      ...(shown && { key: shown.key, cert: shown.cert }),
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/pkcs10' }),
        ...basicHeader,
        ...headers,
      },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => {
        const { statusCode: status = 0, headers: received, rawHeaders } = response;
        resolve({ status, headers: received, rawHeaders: withoutDate(rawHeaders), text });
      });
    });
    sent.end(body);
  });
}

export const enrol = (
  world: World,
  csr: string,
  options: Omit<EstCall, 'body'> = {},
): Promise<EstAnswer> => askEst(world, 'simpleenroll', { body: csr, ...options });

/** The certificates in an answer, PEM each, as openssl reads them. */
export function certificatesIn(answer: EstAnswer): string[] {
  const der = Buffer.from(answer.text, 'base64');
  const pem = execFileSync('openssl', ['pkcs7', '-inform', 'DER', '-print_certs'], { input: der });
  return pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}
