/** What somebody else keeps for us until they come back: sealed, so that it is ours, unread, and good until its end alone. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

export interface Sealing {
  /** @param until ISO instant */
  seal(purpose: string, content: object, until: string): string;
  /** What was sealed for this purpose; null: nothing that is good at `at`. */
  open(purpose: string, sealed: string, at: string): unknown;
}

/** The same on every node, and after a restart. */
export function createSealing(pepper: Buffer): Sealing {
  const key = createHmac('sha256', pepper).update('gatebook sign-on').digest();
  return {
    seal(purpose, content, until) {
      const nonce = randomBytes(nonceBytes);
      const seal = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
      seal.setAAD(Buffer.from(purpose));
      const text = Buffer.concat([seal.update(JSON.stringify({ content, until })), seal.final()]);
      return Buffer.concat([nonce, text, seal.getAuthTag()]).toString('base64url');
    },

    open(purpose, sealed, at) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < nonceBytes + tagBytes) return null;
      const open = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      open.setAAD(Buffer.from(purpose));
      open.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const text = Buffer.concat([
          open.update(bytes.subarray(nonceBytes, -tagBytes)),
          open.final(),
        ]);
        const { content, until } = JSON.parse(text.toString()) as {
          content: unknown;
          until: string;
        };
        return until > at ? content : null;
      } catch {
        return null;
      }
    },
  };
}
