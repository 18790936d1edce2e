/** A certificate signing request (PKCS#10, RFC 2986) for a device's key: its name, and nothing else is asked for. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Kinds of keys that the registry certifies: the algorithm's identifier in DER, and the digest. */
const signatures = {
  prime256v1: ['300a06082a8648ce3d040302', 'sha256'],
  secp384r1: ['300a06082a8648ce3d040303', 'sha384'],
  rsa: ['300d06092a864886f70d01010b0500', 'sha256'],
  ed25519: ['300506032b6570', null],
} as const;

const commonName = Buffer.from('0603550403', 'hex');
const versionOne = Buffer.from('020100', 'hex');
const noAttributes = Buffer.from('a000', 'hex');

/** One value in DER [X.690, 8.1.3]: its tag, its length in as few octets as it takes, its content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const digits = content.length.toString(16);
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 + octets.length]), octets, content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const set = (part: Uint8Array) => der(0x31, part);
const utf8String = (text: string) => der(0x0c, Buffer.from(text));
const bitString = (bits: Uint8Array) => der(0x03, Buffer.from([0]), bits);

const signatureOf = (key: KeyObject) => {
  const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? '';
  return Object.hasOwn(signatures, kind) ? signatures[kind as keyof typeof signatures] : null;
};

/** Whether the registry certifies keys of this kind. */
export const isCertifiable = (key: KeyObject): boolean => signatureOf(key) !== null;

/** PEM. @throws Error where the key is of a kind that is not certified */
export function signingRequest(username: string, privateKey: KeyObject): string {
  const signature = signatureOf(privateKey);
  if (signature === null) throw new Error('no key that is certified');
  const [algorithm, digest] = signature;
  const info = sequence(
    versionOne,
    sequence(set(sequence(commonName, utf8String(username)))),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    noAttributes,
  );
  const signed = sign(digest, info, privateKey);
  const whole = sequence(info, Buffer.from(algorithm, 'hex'), bitString(signed));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  const label = 'CERTIFICATE REQUEST';
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
