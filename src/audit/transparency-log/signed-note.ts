/** C2SP signed notes (c2sp.org/signed-note): a text, and under it who says so, with Ed25519. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';

/** The signature type of Ed25519 in key ids and verifier keys. */
const ed25519 = 1;
const keyIdBytes = 4;
const publicKeyBytes = 32;
const signatureBytes = 64;
const signatureStart = '— ';

/** Whose signature counts. */
export interface Verifier {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
  /** `<name>+<hash>+<base64>`, as it is handed to those who check. */
  readonly text: string;
}

export interface Signer extends Verifier {
  /** The note: the text, which must end with a newline, and one signature line. */
  sign(text: string): string;
  /** The signature line alone, without its newline. */
  signatureLine(text: string): string;
}

export class MalformedNote extends Error {
  override name = 'MalformedNote';
}

const base64 = (text: string | undefined): Buffer | undefined =>
  text !== undefined &&
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
    ? Buffer.from(text, 'base64')
    : undefined;

const isKeyName = (name: string) => /^[^\p{White_Space}+]+$/u.test(name);

/** Only newlines of the control characters stand in a note. */
const isNoteText = (text: string) => !/[^\P{Cc}\n\x7f-\x9f]/u.test(text);

/** The first 4 bytes of SHA-256 over name, newline, signature type and public key. */
const keyIdOf = (name: string, publicKey: Uint8Array): Buffer =>
  createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.of(ed25519))
    .update(publicKey)
    .digest()
    .subarray(0, keyIdBytes);

function verifierFrom(name: string, bytes: Buffer): Verifier {
  const keyId = keyIdOf(name, bytes);
  const key = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
  return {
    name,
    keyId,
    publicKey: createPublicKey({ key, format: 'jwk' }),
    text: `${name}+${keyId.toString('hex')}+${Buffer.concat([Buffer.of(ed25519), bytes]).toString('base64')}`,
  };
}

/** Reads a verifier key. @throws MalformedNote */
export function verifierOf(text: string): Verifier {
  const [, name = '', hash, encoded] =
    /^([^\p{White_Space}+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text.trim()) ?? [];
  const bytes = base64(encoded);
  if (bytes?.length !== 1 + publicKeyBytes || bytes[0] !== ed25519)
    throw new MalformedNote(
      'this is no verifier key for Ed25519: NAME+8 hex digits+base64, as /.well-known/checkpoint-key gives it',
    );
  const verifier = verifierFrom(name, bytes.subarray(1));
  if (verifier.keyId.toString('hex') !== hash)
    throw new MalformedNote('the hash of the verifier key is not that of its name and bytes');
  return verifier;
}

/** A signer by its name and the 32 bytes of its Ed25519 seed (RFC 8032, 5.1.5). */
export function signerOf(name: string, seed: Buffer): Signer {
  if (!isKeyName(name)) throw new MalformedNote('a key name has no spaces and no +');
  // The header of PKCS #8 for an Ed25519 key (RFC 8410, section 7), then the seed.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const verifier = verifierFrom(name, Buffer.from(x, 'base64url'));
  const signatureLine = (text: string) => {
    if (!text.endsWith('\n')) throw new MalformedNote('the text of a note ends with a newline');
    const signature = signBytes(null, Buffer.from(text), privateKey);
    const encoded = Buffer.concat([verifier.keyId, signature]).toString('base64');
    return `${signatureStart}${name} ${encoded}`;
  };
  return {
    ...verifier,
    signatureLine,
    sign: (text) => `${text}\n${signatureLine(text)}\n`,
  };
}

export interface Note {
  /** With its last newline: these are the signed bytes. */
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly keyId: Buffer;
    readonly signature: Buffer;
  }[];
}

/** Takes a note apart; nothing is checked yet. @throws MalformedNote */
export function noteOf(given: string): Note {
  const end = given.lastIndexOf('\n\n');
  const lines = end < 0 ? [] : given.slice(end + 2).split('\n');
  // What follows the last newline is nothing.
  if (lines.pop() !== '' || lines.length === 0 || !isNoteText(given))
    throw new MalformedNote(
      'a note is a text without control characters, an empty line and lines of signatures',
    );
  return {
    text: given.slice(0, end + 1),
    signatures: lines.map((line) => {
      const [, name = '', encoded] = /^— ([^\p{White_Space}+]+) (\S+)$/u.exec(line) ?? [];
      const bytes = base64(encoded);
      if (bytes === undefined || bytes.length <= keyIdBytes)
        throw new MalformedNote('a line below the text is no signature');
      return { name, keyId: bytes.subarray(0, keyIdBytes), signature: bytes.subarray(keyIdBytes) };
    }),
  };
}

/** Whether the verifier signed the note. Signatures by others are passed over; one bad one of its own is bad. */
export function isSignedBy({ text, signatures }: Note, verifier: Verifier): boolean {
  const own = signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId.equals(verifier.keyId),
  );
  return (
    own.length > 0 &&
    own.every(
      ({ signature }) =>
        signature.length === signatureBytes &&
        verifyBytes(null, Buffer.from(text), verifier.publicKey, signature),
    )
  );
}
