/** X.509 certificates as the registry's CA makes them: fields in, DER out. */
import { createHash, createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  type Name,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import { derOf, partsOf, readDer, tags } from './der.ts';

/** What signs certificates and lists of revoked ones. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** What every certificate has. */
interface CertificateFields {
  /** 16 bytes, the first bit 0. */
  readonly serial: Buffer;
  /** A key, or its SubjectPublicKeyInfo: to make the one of the other takes longer than to sign. */
  readonly publicKey: KeyObject | Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const bytes = (der: ArrayBuffer): Buffer => Buffer.from(der);

/** A copy: slices of the pool belong to others, too. */
export const arrayBufferOf = (buffer: Uint8Array): ArrayBuffer => new Uint8Array(buffer).buffer;

/** RFC 5280, section 4.1.2.2: positive, at most 20 octets; ours have 127 random bits. */
export function serialFrom(random: Buffer): Buffer {
  const serial = Buffer.from(random.subarray(0, 16));
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}

export function extension(id: string, critical: boolean, value: object): Extension {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Extension({ extnID: id, critical, extnValue });
}

const infoOf = (publicKey: KeyObject | Buffer): Buffer =>
  Buffer.isBuffer(publicKey) ? publicKey : publicKey.export({ type: 'spki', format: 'der' });

/** The SHA-1 of the key's bits, which names it and guards nothing (RFC 5280, section 4.2.1.2, method 1). */
function keyIdentifierOf(info: Buffer): Buffer {
  const [, bits] = partsOf(readDer(info), tags.sequence);
  // Behind the octet that counts unused bits.
  return createHash('sha1')
    .update(bits?.content.subarray(1) ?? '')
    .digest();
}

/** What names an issuer's key in what it signs: its identifier in hex. */
export const keyIdOf = (publicKey: KeyObject): string =>
  keyIdentifierOf(infoOf(publicKey)).toString('hex');

const subjectKeyId = derOf(tags.objectIdentifier, Buffer.from('551d0e', 'hex'));

const subjectKey = (info: Buffer): Buffer => {
  const identifier = derOf(tags.octetString, keyIdentifierOf(info));
  return derOf(tags.sequence, subjectKeyId, derOf(tags.octetString, identifier));
};

export const authorityKey = (issuerKey: KeyObject) =>
  extension(
    id_ce_authorityKeyIdentifier,
    false,
    new AuthorityKeyIdentifier({
      keyIdentifier: new KeyIdentifier(arrayBufferOf(keyIdentifierOf(infoOf(issuerKey)))),
    }),
  );

const derFrom = (value: object): Buffer => bytes(AsnConvert.serialize(value));
const constraints = (of: { cA: boolean; pathLenConstraint?: number }) =>
  derFrom(extension(id_ce_basicConstraints, true, new BasicConstraints(of)));
const usage = (flags: number) => derFrom(extension(id_ce_keyUsage, true, new KeyUsage(flags)));
const extendedUsage = (...ids: string[]) =>
  derFrom(extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage(ids)));

const noAuthority = constraints({ cA: false });
const signs = usage(KeyUsageFlags.digitalSignature);
const forClients = extendedUsage(id_kp_clientAuth);
const forServers = extendedUsage(id_kp_serverAuth);

const ecdsa = { prime256v1: '1.2.840.10045.4.3.2', secp384r1: '1.2.840.10045.4.3.3' } as const;

/** How a key signs: the algorithm's name in DER, and Node's digest. @throws Error for a key that cannot */
export function signatureOf(key: KeyObject): {
  readonly algorithm: AlgorithmIdentifier;
  readonly digest: string | null;
} {
  if (key.asymmetricKeyType === 'ed25519')
    return { algorithm: new AlgorithmIdentifier({ algorithm: '1.3.101.112' }), digest: null };
  if (key.asymmetricKeyType === 'rsa')
    return {
      algorithm: new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null }),
      digest: 'sha256',
    };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== 'prime256v1' && curve !== 'secp384r1')
    throw new Error('the key of the CA is none of EC P-256, EC P-384, Ed25519 and RSA');
  const digest = curve === 'prime256v1' ? 'sha256' : 'sha384';
  return { algorithm: new AlgorithmIdentifier({ algorithm: ecdsa[curve] }), digest };
}

const signatureDers = new WeakMap<KeyObject, { algorithm: Buffer; digest: string | null }>();

/** The same with the algorithm's DER, kept for each key. */
function signatureDerOf(key: KeyObject) {
  const known = signatureDers.get(key);
  if (known !== undefined) return known;
  const { algorithm, digest } = signatureOf(key);
  const made = { algorithm: derFrom(algorithm), digest };
  signatureDers.set(key, made);
  return made;
}

/** The subject as it stands in the issuer's own certificate, to the byte. */
export const subjectOf = (certificate: X509Certificate): Name =>
  AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.subject;

/** A name with one part, as a certificate has it (RFC 5280, section 4.1.2.4). */
const commonName = (name: string): Buffer =>
  derOf(
    tags.sequence,
    derOf(
      tags.set,
      derOf(
        tags.sequence,
        derOf(tags.objectIdentifier, Buffer.from('550403', 'hex')),
        derOf(tags.utf8String, Buffer.from(name)),
      ),
    ),
  );

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280, section 4.1.2.5). */
function timeOf(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? derOf(tags.utcTime, Buffer.from(digits.slice(2)))
    : derOf(tags.generalizedTime, Buffer.from(digits));
}

const version3 = derOf(0xa0, derOf(tags.integer, Buffer.from([2])));
const extensionsTag = 0xa3;

interface ToBeSigned extends CertificateFields {
  /** DER, as the extensions. */
  readonly subject: Buffer;
  readonly extensions: readonly Buffer[];
}

/**
 * Put together here and not by the ASN.1 library, which takes forty times as long for it as the signature does. What
 * seldom changes is still the library's, made once.
 */
function signed(issuer: Buffer, key: KeyObject, fields: ToBeSigned): Buffer {
  const { algorithm, digest } = signatureDerOf(key);
  const toBeSigned = derOf(
    tags.sequence,
    version3,
    derOf(tags.integer, fields.serial),
    algorithm,
    issuer,
    derOf(tags.sequence, timeOf(fields.notBefore), timeOf(fields.notAfter)),
    fields.subject,
    infoOf(fields.publicKey),
    derOf(extensionsTag, derOf(tags.sequence, ...fields.extensions)),
  );
  const signature = sign(digest, toBeSigned, key);
  return derOf(
    tags.sequence,
    toBeSigned,
    algorithm,
    derOf(tags.bitString, Buffer.from([0]), signature),
  );
}

/** A root that signs leaves and lists of revoked ones, and no further CA (SPEC 11). */
export function rootCertificate(
  name: string,
  key: KeyObject,
  fields: Omit<CertificateFields, 'publicKey'>,
): X509Certificate {
  const subject = commonName(name);
  const publicKey = createPublicKey(key);
  const der = signed(subject, key, {
    ...{ ...fields, publicKey, subject },
    extensions: [
      constraints({ cA: true, pathLenConstraint: 0 }),
      usage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
      subjectKey(infoOf(publicKey)),
    ],
  });
  return new X509Certificate(der);
}

const issuerParts = new WeakMap<X509Certificate, { name: Buffer; authorityKey: Buffer }>();

/** What each of an issuer's certificates has of it. */
function partsOfIssuer({ certificate }: Issuer) {
  const known = issuerParts.get(certificate);
  if (known !== undefined) return known;
  const made = {
    name: derFrom(subjectOf(certificate)),
    authorityKey: derFrom(authorityKey(certificate.publicKey)),
  };
  issuerParts.set(certificate, made);
  return made;
}

function leaf(
  issuer: Issuer,
  fields: CertificateFields,
  subject: Buffer,
  extensions: readonly Buffer[],
): X509Certificate {
  const { name, authorityKey: authority } = partsOfIssuer(issuer);
  const publicKey = infoOf(fields.publicKey);
  const der = signed(name, issuer.key, {
    ...{ ...fields, publicKey, subject },
    extensions: [noAuthority, signs, ...extensions, subjectKey(publicKey), authority],
  });
  return new X509Certificate(der);
}

/** A client's: its name alone, for clients alone (SPEC 11). */
export const clientCertificate = (
  issuer: Issuer,
  username: string,
  fields: CertificateFields,
): X509Certificate => leaf(issuer, fields, commonName(username), [forClients]);

/** This service's: names and addresses in place of a subject, and it is no client (SPEC 11). */
export const serverCertificate = (
  issuer: Issuer,
  names: readonly string[],
  fields: CertificateFields,
): X509Certificate =>
  leaf(issuer, fields, derOf(tags.sequence), [
    forServers,
    derFrom(
      extension(
        id_ce_subjectAltName,
        true,
        new SubjectAlternativeName(
          names.map((name) =>
            isIP(name) === 0
              ? new GeneralName({ dNSName: name })
              : new GeneralName({ iPAddress: name }),
          ),
        ),
      ),
    ),
  ]);
