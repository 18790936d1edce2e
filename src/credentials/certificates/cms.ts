/**
 * Certificates in one message, signed by nobody (RFC 5652, section 5; RFC 7030, section 4.1.3): each goes in to the
 * byte, as its own signature covers it.
 */
import { derOf, tags } from './der.ts';

const signedData = Buffer.from('2a864886f70d010702', 'hex');
const data = Buffer.from('2a864886f70d010701', 'hex');
/** `[0]`, explicit around a content, implicit in place of the set of certificates. */
const tagged0 = 0xa0;

const nobody = derOf(tags.set);
const nothing = derOf(tags.sequence, derOf(tags.objectIdentifier, data));

/** @param certificates DER each */
export function certificatesOnly(certificates: readonly Uint8Array[]): Buffer {
  // The order of a set in DER (X.690, section 11.6).
  const inOrder = certificates.toSorted(Buffer.compare);
  const content = derOf(
    tags.sequence,
    derOf(tags.integer, Buffer.from([1])),
    ...[nobody, nothing, derOf(tagged0, ...inOrder), nobody],
  );
  return derOf(tags.sequence, derOf(tags.objectIdentifier, signedData), derOf(tagged0, content));
}
