/** Public keys that certificates are issued for: which kinds, each in its one encoding, and how they are named. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { DerFault, partsOf, readDer, tags } from './der.ts';

/** A key that a certificate can be issued for. */
export interface CertifiableKey {
  readonly publicKeyAlgorithm: 'EC P-256' | 'EC P-384' | 'Ed25519' | `RSA ${number}`;
  /** SHA-256 of its SubjectPublicKeyInfo, hex. */
  readonly fingerprint: string;
  /** Its SubjectPublicKeyInfo: DER in base64. */
  readonly publicKey: string;
}

const rsaBits = { min: 2_048, max: 4_096 };
const rsaExponent = Buffer.from([1, 0, 1]);

/** The first octet of a point that has both coordinates. */
const uncompressed = 0x04;
const unusual = 'has a public key in an unusual encoding';

/** Contents of the object identifiers. */
const algorithms = {
  rsa: '2a864886f70d010101',
  ec: '2a8648ce3d0201',
  ed25519: '2b6570',
} as const;
const curves: Readonly<Record<string, 'EC P-256' | 'EC P-384'>> = {
  '2a8648ce3d030107': 'EC P-256',
  '2b81040022': 'EC P-384',
};

const acceptedKeys = 'EC P-256, EC P-384, Ed25519, or RSA of 2048 to 4096 bits with e = 65537';

/** Looked at before any arithmetic is done with it, which a monstrous key could make slow. */
function rsaAlgorithm(bits: Buffer): `RSA ${number}` {
  const [modulus, exponent, more] = partsOf(readDer(bits.subarray(1)), tags.sequence);
  if (modulus?.tag !== tags.integer || exponent?.tag !== tags.integer || more !== undefined)
    throw new DerFault('has an RSA key that is not built as it should be');
  const number = modulus.content[0] === 0 ? modulus.content.subarray(1) : modulus.content;
  const length = number.length * 8 - (number.length === 0 ? 0 : Math.clz32(number[0] ?? 0) - 24);
  if (length < rsaBits.min || length > rsaBits.max || !exponent.content.equals(rsaExponent))
    throw new DerFault(`has an RSA key of another kind than is taken (${acceptedKeys})`);
  return `RSA ${length}`;
}

function algorithmOf(info: Buffer): CertifiableKey['publicKeyAlgorithm'] {
  const [algorithm, bits, more] = partsOf(readDer(info), tags.sequence);
  const [name, parameters] = partsOf(algorithm, tags.sequence);
  if (name?.tag !== tags.objectIdentifier || bits?.tag !== tags.bitString || more !== undefined)
    throw new DerFault('has a public key that is not built as it should be');
  const hex = name.content.toString('hex');
  if (hex === algorithms.rsa) return rsaAlgorithm(bits.content);
  if (hex === algorithms.ed25519) return 'Ed25519';
  const curve =
    hex === algorithms.ec && parameters?.tag === tags.objectIdentifier
      ? curves[parameters.content.toString('hex')]
      : undefined;
  if (curve === undefined)
    throw new DerFault(`has a public key of another kind than is taken (${acceptedKeys})`);
  // OpenSSL takes compressed points, too, and gives them back as they came (RFC 5480, section 2.2).
  if (bits.content[1] !== uncompressed) throw new DerFault(unusual);
  return curve;
}

/** What names a key: the SHA-256 of its SubjectPublicKeyInfo, in hex. */
export const fingerprintOf = (info: Buffer): string =>
  createHash('sha256').update(info).digest('hex');

/**
 * A SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), and the key in it. A point off its curve, or any other
 * encoding than the usual one, is a fault: the same key would have another fingerprint.
 * @throws DerFault
 */
export function readPublicKey(info: Buffer): {
  readonly key: KeyObject;
  readonly named: CertifiableKey;
} {
  const publicKeyAlgorithm = algorithmOf(info);
  let key: KeyObject;
  let usual: Buffer;
  try {
    key = createPublicKey({ key: info, format: 'der', type: 'spki' });
    usual = key.export({ format: 'der', type: 'spki' });
  } catch {
    throw new DerFault('has a public key that is none');
  }
  if (!usual.equals(info)) throw new DerFault(unusual);
  const named = {
    ...{ publicKeyAlgorithm, fingerprint: fingerprintOf(info) },
    publicKey: info.toString('base64'),
  };
  return { key, named };
}
