/** The signature of a report: a C2SP signed note over its RFC 8785 text, of which the report carries one line. */
import { canonicalJson } from './canonical-json.ts';
import { isSignedBy, noteOf, type Signer, type Verifier } from './signed-note.ts';

/** The signed text of everything in a report but its signature. */
const textOf = (signed: object): string => `${canonicalJson(signed)}\n`;

export const signatureOf = (signed: object, signer: Signer): string =>
  signer.signatureLine(textOf(signed));

/** @throws MalformedNote where the signature is no line of a note */
export const isReportSigned = (signed: object, signature: string, key: Verifier): boolean =>
  isSignedBy(noteOf(`${textOf(signed)}\n${signature}\n`), key);
