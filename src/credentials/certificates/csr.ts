/** A certificate signing request (PKCS#10, RFC 2986): of all that it asks for, the name and the key count. */
import { verify } from 'node:crypto';
import { Username } from '../../../domain/values.ts';
import { csrLengthMax, csrUsernameLengthMax } from '../../limits/credentials.ts';
import { DerFault, type DerValue, partsOf, readDer, tags } from './der.ts';
import { type CertifiableKey, readPublicKey } from './public-key.ts';

/** What a request comes to: the key that it proves, or what is wrong with it, as words after "csr". */
type CsrReading =
  | { readonly key: CertifiableKey; readonly fault: null }
  | { readonly key: null; readonly fault: string };

/** The same of a request that names its client itself. */
type NamedCsrReading =
  | { readonly username: string; readonly key: CertifiableKey; readonly fault: null }
  | { readonly username: null; readonly key: null; readonly fault: string };

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
  const body = pemBlock.exec(pem)?.groups?.body;
  if (body === undefined)
    throw new DerFault('must be one PKCS#10 request in PEM (-----BEGIN CERTIFICATE REQUEST-----)');
  return decoded(body, 'has no right base64 in its PEM');
}

/** White space may stand anywhere in it (RFC 8951, section 3). */
function decoded(base64: string, fault: string): Buffer {
  const body = base64.replace(/\s+/g, '');
  const der = Buffer.from(body, 'base64');
  if (der.toString('base64') !== body) throw new DerFault(fault);
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

function nameIn(subject: DerValue | undefined): Buffer {
  const [name, another] = commonNamesIn(subject);
  if (name === undefined || another !== undefined)
    throw new DerFault('must have exactly one CN, the username');
  if (name.tag !== tags.utf8String && name.tag !== tags.printableString)
    throw new DerFault('must have its CN as UTF8String or PrintableString');
  return name.content;
}

/** Whose request it is; `username`: whose it must be, null where it says so itself. */
function checkedName(subject: DerValue | undefined, username: string | null): string {
  const name = nameIn(subject);
  if (username !== null && !name.equals(Buffer.from(username)))
    throw new DerFault('must have the username as its CN, to the byte');
  const named = username ?? name.toString('latin1');
  if (named.length > csrUsernameLengthMax)
    throw new DerFault(`takes a username of at most ${csrUsernameLengthMax} characters`);
  if (!Username.safeParse(named).success)
    throw new DerFault(
      'must have a username as its CN: 3 to 64 of A-Z a-z 0-9 . _ @ : -, starting with a letter or digit',
    );
  return named;
}

function readingOf(
  der: Buffer,
  username: string | null,
): { username: string; key: CertifiableKey } {
  const [info, algorithm, signature, more] = partsOf(readDer(der), tags.sequence);
  const [version, subject, publicKey, attributes, beyond] = partsOf(info, tags.sequence);
  const isWhole = signature?.tag === tags.bitString && more === undefined && beyond === undefined;
  if (info === undefined || !isWhole || publicKey === undefined)
    throw new DerFault('is no PKCS#10 request');
  if (version?.tag !== tags.integer || !version.content.equals(Buffer.from([0])))
    throw new DerFault('is no PKCS#10 request of version 1');
  if (attributes !== undefined) partsOf(attributes, tags.attributes);
  const named = checkedName(subject, username);

  const { key, named: certifiable } = readPublicKey(publicKey.whole);
  const [name] = partsOf(algorithm, tags.sequence);
  const how =
    name?.tag === tags.objectIdentifier ? signatures[name.content.toString('hex')] : undefined;
  if (how === undefined || how.family !== key.asymmetricKeyType)
    throw new DerFault(
      'must be signed with its key by ECDSA, Ed25519 or RSA with SHA-256, 384 or 512',
    );
  if (signature.content[0] !== 0 || !isSignedBy(how.digest, info.whole, key, signature.content))
    throw new DerFault('is not signed by its own key');
  return { username: named, key: certifiable };
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
    return { key: readingOf(derIn(pem), username).key, fault: null };
  } catch (error) {
    return { key: null, fault: faultIn(error) };
  }
}

/** Reads a request that names its client, in base64 without a frame, as EST sends it; otherwise likewise. */
export function readNamedCsr(base64: string): NamedCsrReading {
  try {
    if (base64.length > csrLengthMax)
      throw new DerFault(`must have at most ${csrLengthMax} characters`);
    const der = decoded(base64, 'must be one PKCS#10 request: its DER in base64, without a frame');
    return { ...readingOf(der, null), fault: null };
  } catch (error) {
    return { username: null, key: null, fault: faultIn(error) };
  }
}

function faultIn(error: unknown): string {
  if (!(error instanceof DerFault)) throw error;
  return error.message;
}
