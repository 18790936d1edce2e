/** Certificate signing requests of every kind, right and wrong: DER as a test wants it, signed by Node. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A DER value. `lengthOctets`: more than it takes are no DER. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  const bytes = Buffer.alloc(1 + octets);
  bytes[0] = 0x80 + octets;
  bytes.writeUIntBE(length, 1, octets);
  return bytes;
}

export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const objectIdentifier = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const text = (value: string | Uint8Array) => Buffer.from(value as string);

export const oid = {
  commonName: '550403',
  organization: '55040a',
  ecdsaSha256: '2a8648ce3d040302',
  ecdsaSha384: '2a8648ce3d040303',
  ecdsaSha1: '2a8648ce3d0401',
  rsaSha256: '2a864886f70d01010b',
  ed25519: '2b6570',
} as const;

/** One attribute of a name, in a set of its own. */
export const attribute = (id: string, value: string | Uint8Array, tag = 0x0c) =>
  der(0x31, sequence(objectIdentifier(id), der(tag, text(value))));

export const keyPairs = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  rsa: (modulusLength = 2_048, publicExponent = 65_537) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent }),
};

export interface CsrParts {
  readonly username: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject | Uint8Array;
  /** Instead of a CN in a UTF8String alone. */
  readonly subject?: Uint8Array;
  readonly attributes?: Uint8Array;
  readonly version?: number;
  readonly signature?: string;
  readonly digest?: string | null;
}

const signatureFor = (key: KeyObject): readonly [string, string | null] => {
  if (key.asymmetricKeyType === 'rsa') return [oid.rsaSha256, 'sha256'];
  if (key.asymmetricKeyType === 'ed25519') return [oid.ed25519, null];
  const isSmall = key.asymmetricKeyDetails?.namedCurve !== 'secp384r1';
  return isSmall ? [oid.ecdsaSha256, 'sha256'] : [oid.ecdsaSha384, 'sha384'];
};

export function csrDer(parts: CsrParts): Buffer {
  const { username, privateKey, publicKey } = parts;
  const [signature, digest] = signatureFor(privateKey);
  const info = sequence(
    der(0x02, Buffer.from([parts.version ?? 0])),
    parts.subject ?? sequence(attribute(oid.commonName, username)),
    publicKey instanceof Uint8Array ? publicKey : publicKey.export({ type: 'spki', format: 'der' }),
    parts.attributes ?? der(0xa0),
  );
  const by = parts.digest === undefined ? digest : parts.digest;
  return sequence(
    info,
    sequence(objectIdentifier(parts.signature ?? signature)),
    der(0x03, Buffer.from([0]), sign(by, info, privateKey)),
  );
}

export const pem = (bytes: Uint8Array, label = 'CERTIFICATE REQUEST') =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END ${label}-----\n`;

/** A right request for a new key, or for the one given. */
export function newCsr(username: string, keys = keyPairs.p256()) {
  return { ...keys, csr: pem(csrDer({ username, ...keys })) };
}
