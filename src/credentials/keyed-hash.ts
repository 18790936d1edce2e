/** HMAC-SHA-256 (RFC 2104) of texts under one key, as the doors need it of every password that they are shown. */
import { createHmac, createSecretKey, hash } from 'node:crypto';

/** As text from the hash itself: bytes of their own cost as much as the hash again, and more. */
type KeyedHash = (text: string, encoding: 'base64' | 'hex') => string;

const blockBytes = 64;
const hashBytes = 32;
/** A longer text takes the longer way. */
const textCharactersMax = 1_024;
/** Bytes of one character of a string as UTF-8. */
const characterBytesMax = 3;

/**
 * Two hashes of one call each: an Hmac object is looked up, made, fed and freed, which costs several times as much.
 * @param key at most as long as a block of the hash
 */
export function keyedHash(key: Buffer): KeyedHash {
  if (key.length > blockBytes) throw new TypeError('a longer key would have to be hashed first');
  const inner = Buffer.alloc(blockBytes + textCharactersMax * characterBytesMax, 0x36);
  const outer = Buffer.alloc(blockBytes + hashBytes, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner.writeUInt8(byte ^ 0x36, at);
    outer.writeUInt8(byte ^ 0x5c, at);
  }
  const longKey = createSecretKey(key);

  return (text, encoding) => {
    if (text.length > textCharactersMax)
      return createHmac('sha256', longKey).update(text).digest(encoding);
    const end = blockBytes + inner.write(text, blockBytes);
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), blockBytes, 'binary');
    // The text may be a password.
    inner.fill(0, blockBytes, end);
    return hash('sha256', outer, encoding);
  };
}
