/** A certificate signing request (PKCS#10, RFC 2986): of all that it asks for, the name and the key count. */
import { verify } from 'node:crypto';
import { csrLengthMax, csrUsernameLengthMax } from '../../limits.ts';
import { DerFault, type DerValue, partsOf, readDer, tags } from './der.ts';
import { type CertifiableKey, readPublicKey } from './public-key.ts';

/** What a request comes to: the key that it proves, or what is wrong with it, as words after "csr". */
type CsrReading =
  | { readonly key: CertifiableKey; readonly fault: null }
  | { readonly key: null; readonly fault: string };

const pemBlock =
  /^\s*-----BEGIN (?<label>(?:NEW )?CERTIFICATE REQUEST)-----(?<body>[A-Za-z0-9+/=\s]+)-----END \k<label>-----\s*$/;

/** Object identifiers of the signatures that are taken, and the digests of their names. */
const signatures: Readonly<
  Record<string, { family: 'ec' | 'rsa' | 'ed25519'; digest: string | null }>
> = {
  '2a8648ce3d040302': { family: 'ec', digest: 'sha256' },
  '2a8648ce3d040303': { family: 'ec', digest: 'sha384' },
  '2a8648ce3d040304': { family: 'ec', digest: 'sha512' },
  '2a864886f70d01010b': { family: 'rsa', digest: 'sha256' },
  '2a864886f70d01010c': { family: 'rsa', digest: 'sha384' },
  '2a864886f70d01010d': { family: 'rsa', digest: 'sha512' },
  '2b6570': { family: 'ed25519', digest: null },
};

const commonName = '550403';

function derIn(pem: string): Buffer {
  if (pem.length > csrLengthMax) throw new DerFault(`must have at most ${csrLengthMax} characters`);
  const body = pemBlock.exec(pem)?.groups?.body?.replace(/\s+/g, '');
  if (body === undefined)
    throw new DerFault('must be one PKCS#10 request in PEM (-----BEGIN CERTIFICATE REQUEST-----)');
  const der = Buffer.from(body, 'base64');
  if (der.toString('base64') !== body) throw new DerFault('has no right base64 in its PEM');
  return der;
}

/** The common names in a subject, as bytes; other parts are passed over. */
function commonNamesIn(subject: DerValue | undefined): DerValue[] {
  return partsOf(subject, tags.sequence)
    .flatMap((set) => partsOf(set, tags.set))
    .flatMap((attribute) => {
      const [type, value, more] = partsOf(attribute, tags.sequence);
      if (type?.tag !== tags.objectIdentifier || value === undefined || more !== undefined)
        throw new DerFault('has a subject that is not built as it should be');
      return type.content.toString('hex') === commonName ? [value] : [];
    });
}

function checkName(subject: DerValue | undefined, username: string): void {
  const [name, another] = commonNamesIn(subject);
  if (name === undefined || another !== undefined)
    throw new DerFault('must have exactly one CN, the username');
  if (name.tag !== tags.utf8String && name.tag !== tags.printableString)
    throw new DerFault('must have its CN as UTF8String or PrintableString');
  if (!name.content.equals(Buffer.from(username)))
    throw new DerFault('must have the username as its CN, to the byte');
  if (username.length > csrUsernameLengthMax)
    throw new DerFault(`takes a username of at most ${csrUsernameLengthMax} characters`);
}

function keyIn(pem: string, username: string): CertifiableKey {
  const [info, algorithm, signature, more] = partsOf(readDer(derIn(pem)), tags.sequence);
  const [version, subject, publicKey, attributes, beyond] = partsOf(info, tags.sequence);
  const isWhole = signature?.tag === tags.bitString && more === undefined && beyond === undefined;
  if (info === undefined || !isWhole || publicKey === undefined)
    throw new DerFault('is no PKCS#10 request');
  if (version?.tag !== tags.integer || !version.content.equals(Buffer.from([0])))
    throw new DerFault('is no PKCS#10 request of version 1');
  if (attributes !== undefined) partsOf(attributes, tags.attributes);
  checkName(subject, username);

  const { key, named } = readPublicKey(publicKey.whole);
  const [name] = partsOf(algorithm, tags.sequence);
  const how = signatures[name?.content.toString('hex') ?? ''];
  if (how === undefined || how.family !== key.asymmetricKeyType)
    throw new DerFault(
      'must be signed with its key by ECDSA, Ed25519 or RSA with SHA-256, 384 or 512',
    );
  if (signature.content[0] !== 0 || !isSignedBy(how.digest, info.whole, key, signature.content))
    throw new DerFault('is not signed by its own key');
  return named;
}

function isSignedBy(
  digest: string | null,
  signed: Buffer,
  key: Parameters<typeof verify>[2],
  bits: Buffer,
): boolean {
  try {
    return verify(digest, signed, key, bits.subarray(1));
  } catch {
    return false;
  }
}

/** Reads a request that must be `username`'s. Whatever the text is, this answers, and soon. */
export function readCsr(pem: string, username: string): CsrReading {
  try {
    return { key: keyIn(pem, username), fault: null };
  } catch (error) {
    if (!(error instanceof DerFault)) throw error;
    return { key: null, fault: error.message };
  }
}
