/** Clients with a certificate, and what they ask for over TLS with it in hand. */
import type { KeyObject } from 'node:crypto';
import { keyPairs, newCsr } from './csr.ts';
import { type Door, newName, registerPath } from './door.ts';
import type { World } from './service.ts';
import { assert } from './suite.ts';
import { overTls } from './tls.ts';

/** A client's name, its key, and its certificate in PEM. */
export interface CertifiedClient {
  readonly username: string;
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly key: string;
  readonly cert: string;
}

export const certifiedClient = (
  username: string,
  keys: CertifiedClient['keys'],
  cert: string,
): CertifiedClient => ({
  ...{ username, keys, cert },
  key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
});

/** Asks with a CSR alone, is granted, and has its chain. */
export async function certify(
  { door, world }: { readonly door: Door; readonly world: World },
  rights: object = {},
  username = newName(),
): Promise<CertifiedClient> {
  const keys = keyPairs.p256();
  const { csr } = newCsr(username, keys);
  const ask = () => world.call('POST', registerPath, { token: null, body: { username, csr } });
  await door.grant((await ask()).body.requestId, rights);
  const { status, body } = await ask();
  assert.is(status, 201, JSON.stringify(body));
  return certifiedClient(username, keys, body.certificate);
}

/** One call over TLS, with the certificate of a client or none. */
export async function callOverTls(
  world: World,
  shown: Pick<CertifiedClient, 'key' | 'cert'> | null,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
) {
  const ca = await (await fetch(`${world.url}/ca/certificate`)).text();
  const { status, text, headers } = await overTls(`${world.running.ready.https}${path}`, {
    ...{ ca, method: options.body === undefined ? 'GET' : 'POST', ...options },
    ...(shown && { key: shown.key, cert: shown.cert }),
  });
  return { status, headers, body: text === '' ? null : JSON.parse(text) };
}
