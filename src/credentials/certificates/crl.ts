/** A list of revoked certificates (RFC 5280, section 5): which, since when, and signed by their issuer. */
import { createPublicKey, sign } from 'node:crypto';
import { AsnConvert, AsnIntegerBigIntConverter, OctetString } from '@peculiar/asn1-schema';
import {
  CertificateList,
  CRLReason,
  CRLReasons,
  Extension,
  id_ce_cRLNumber,
  id_ce_cRLReasons,
  RevokedCertificate,
  TBSCertList,
  Time,
  Version,
} from '@peculiar/asn1-x509';
import {
  arrayBufferOf,
  authorityKey,
  extension,
  type Issuer,
  signatureOf,
  subjectOf,
} from './x509.ts';

interface ListedCertificate {
  /** Hex. */
  readonly serial: string;
  /** ISO. */
  readonly since: string;
  /** Held ones may become good again (RFC 5280, section 5.3.1). */
  readonly isHeld: boolean;
}

/** Positions of a log have up to 64 bits (RFC 5280, section 5.2.3: up to 20 octets). */
const numbered = (number: bigint): Extension => {
  const der = AsnIntegerBigIntConverter.toASN(number).toBER(false);
  return new Extension({
    extnID: id_ce_cRLNumber,
    critical: false,
    extnValue: new OctetString(der),
  });
};

const listed = ({ serial, since, isHeld }: ListedCertificate): RevokedCertificate =>
  new RevokedCertificate({
    userCertificate: arrayBufferOf(Buffer.from(serial, 'hex')),
    revocationDate: new Time(new Date(since)),
    ...(isHeld && {
      crlEntryExtensions: [
        extension(id_ce_cRLReasons, false, new CRLReason(CRLReasons.certificateHold)),
      ],
    }),
  });

/** DER. */
export function signedCrl(
  issuer: Issuer,
  list: {
    readonly number: bigint;
    readonly thisUpdate: Date;
    readonly nextUpdate: Date;
    readonly certificates: readonly ListedCertificate[];
  },
): Buffer {
  const { algorithm, digest } = signatureOf(issuer.key);
  const { number, thisUpdate, nextUpdate, certificates } = list;
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithm,
    issuer: subjectOf(issuer.certificate),
    thisUpdate: new Time(thisUpdate),
    nextUpdate: new Time(nextUpdate),
    // An empty list is left out (section 5.1.2.6).
    ...(certificates.length > 0 && { revokedCertificates: certificates.map(listed) }),
    crlExtensions: [authorityKey(createPublicKey(issuer.key)), numbered(number)],
  });
  const signature = sign(digest, Buffer.from(AsnConvert.serialize(tbsCertList)), issuer.key);
  const whole = new CertificateList({
    tbsCertList,
    signatureAlgorithm: algorithm,
    signature: arrayBufferOf(signature),
  });
  return Buffer.from(AsnConvert.serialize(whole));
}
