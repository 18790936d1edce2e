/** X.509 certificates as the registry's CA makes them: fields in, DER out. */
import { createHash, createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** What signs certificates and lists of revoked ones. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** What every certificate has. */
interface CertificateFields {
  /** 16 bytes, the first bit 0. */
  readonly serial: Buffer;
  readonly publicKey: KeyObject;
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

const commonName = (name: string): Name =>
  new Name([
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({
        type: '2.5.4.3',
        value: new AttributeValue({ utf8String: name }),
      }),
    ]),
  ]);

export function extension(id: string, critical: boolean, value: object): Extension {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Extension({ extnID: id, critical, extnValue });
}

/** The SHA-1 of the key's bits, which names it and guards nothing (RFC 5280, section 4.2.1.2, method 1). */
function keyIdentifierOf(publicKey: KeyObject): ArrayBuffer {
  const info = AsnConvert.parse(
    publicKey.export({ type: 'spki', format: 'der' }),
    SubjectPublicKeyInfo,
  );
  return arrayBufferOf(createHash('sha1').update(Buffer.from(info.subjectPublicKey)).digest());
}

/** What names an issuer's key in what it signs: its identifier in hex. */
export const keyIdOf = (publicKey: KeyObject): string =>
  bytes(keyIdentifierOf(publicKey)).toString('hex');

const subjectKey = (publicKey: KeyObject) =>
  extension(
    id_ce_subjectKeyIdentifier,
    false,
    new SubjectKeyIdentifier(keyIdentifierOf(publicKey)),
  );

export const authorityKey = (issuerKey: KeyObject) =>
  extension(
    id_ce_authorityKeyIdentifier,
    false,
    new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifierOf(issuerKey)) }),
  );

const constraints = (of: { cA: boolean; pathLenConstraint?: number }) =>
  extension(id_ce_basicConstraints, true, new BasicConstraints(of));
const usage = (flags: number) => extension(id_ce_keyUsage, true, new KeyUsage(flags));
const extendedUsage = (...ids: string[]) =>
  extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage(ids));

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

/** The subject as it stands in the issuer's own certificate, to the byte. */
export const subjectOf = (certificate: X509Certificate): Name =>
  AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.subject;

interface ToBeSigned extends CertificateFields {
  readonly subject: Name;
  readonly extensions: readonly Extension[];
}

function signed(issuer: Name, key: KeyObject, fields: ToBeSigned): Buffer {
  const { algorithm, digest } = signatureOf(key);
  const spki = fields.publicKey.export({ type: 'spki', format: 'der' });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: arrayBufferOf(fields.serial),
    signature: algorithm,
    issuer,
    validity: new Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter }),
    subject: fields.subject,
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: new Extensions([...fields.extensions]),
  });
  const signature = sign(digest, bytes(AsnConvert.serialize(tbsCertificate)), key);
  return bytes(
    AsnConvert.serialize(
      new Certificate({
        tbsCertificate,
        signatureAlgorithm: algorithm,
        signatureValue: arrayBufferOf(signature),
      }),
    ),
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
      subjectKey(publicKey),
    ],
  });
  return new X509Certificate(der);
}

function leaf(
  issuer: Issuer,
  fields: CertificateFields,
  subject: Name,
  extensions: readonly Extension[],
): X509Certificate {
  const der = signed(subjectOf(issuer.certificate), issuer.key, {
    ...{ ...fields, subject },
    extensions: [
      constraints({ cA: false }),
      usage(KeyUsageFlags.digitalSignature),
      ...extensions,
      subjectKey(fields.publicKey),
      authorityKey(createPublicKey(issuer.key)),
    ],
  });
  return new X509Certificate(der);
}

/** A client's: its name alone, for clients alone (SPEC 11). */
export const clientCertificate = (
  issuer: Issuer,
  username: string,
  fields: CertificateFields,
): X509Certificate => leaf(issuer, fields, commonName(username), [extendedUsage(id_kp_clientAuth)]);

/** This service's: names and addresses in place of a subject, and it is no client (SPEC 11). */
export const serverCertificate = (
  issuer: Issuer,
  names: readonly string[],
  fields: CertificateFields,
): X509Certificate =>
  leaf(issuer, fields, new Name([]), [
    extendedUsage(id_kp_serverAuth),
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
  ]);
