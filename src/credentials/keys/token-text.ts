/** The text of a PASETO v4.public token: what is signed of it, and how it is put together. */
const header = 'v4.public.';
const lengthBytes = 8;

/** A number as PASETO counts: 64 bits, little-endian, the highest never set. */
function counted(number: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** A piece behind its length, as Pre-Authentication Encoding has it. */
const measured = (piece: Buffer): Buffer => Buffer.concat([counted(piece.length), piece]);

/** Tokens with this footer. No two lists of pieces have the same Pre-Authentication Encoding. */
export function tokensWith(footer: string) {
  const pieceCount = 4;
  const footerBytes = Buffer.from(footer);
  const beginning = Buffer.concat([counted(pieceCount), measured(Buffer.from(header))]);
  const noAssertion = Buffer.alloc(0);
  const ending = Buffer.concat([measured(footerBytes), measured(noAssertion)]);
  const textEnding = `.${footerBytes.toString('base64url')}`;
  return {
    /** What of a message is signed. */
    signed: (message: Buffer): Buffer =>
      Buffer.concat([beginning, counted(message.length), message, ending]),
    text: (message: Buffer, signature: Buffer): string =>
      header + Buffer.concat([message, signature]).toString('base64url') + textEnding,
  };
}
