/** Mosquitto's password hashes as PHC strings. */
import { foreignHashIn } from '../../../domain/client/foreign-hash.ts';
import type { MovingPassword } from './found.ts';

/** Base64 without padding; undefined: it is none. */
function plainBase64(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64');
  const plain = bytes.toString('base64').replace(/=+$/, '');
  return plain !== '' && plain === text.replace(/=+$/, '') ? plain : undefined;
}

const none = (because: string): MovingPassword => ({ kind: 'none', because });

function checked(verifier: string): MovingPassword {
  const hash = foreignHashIn(verifier);
  if (typeof hash !== 'string') return { kind: 'verifier', verifier };
  return none(hash.startsWith('has ') ? `its hash ${hash}` : 'its hash is damaged');
}

export function pbkdf2Password(salt: string, hash: string, iterations: number): MovingPassword {
  const [plainSalt, plainHash] = [plainBase64(salt), plainBase64(hash)];
  if (plainSalt === undefined || plainHash === undefined) return none('its hash is damaged');
  return checked(`$pbkdf2-sha512$i=${iterations},l=64$${plainSalt}$${plainHash}`);
}

/** Reads `$6$SALT$HASH` and `$7$ITERATIONS$SALT$HASH`. */
export function passwordOf(encoded: string): MovingPassword {
  if (encoded.startsWith('$argon2'))
    return none('an argon2 hash of Mosquitto 2.1 is not taken over');
  const [, kind, ...parts] = encoded.split('$');
  if (kind === '7' && parts.length === 3) {
    const [rounds = '', salt = '', hash = ''] = parts;
    return /^[1-9]\d{0,8}$/.test(rounds)
      ? pbkdf2Password(salt, hash, Number(rounds))
      : none('its hash is damaged');
  }
  if (kind === '6' && parts.length === 2) {
    const [salt, hash] = parts.map(plainBase64);
    return salt === undefined || hash === undefined
      ? none('its hash is damaged')
      : checked(`$mosquitto-sha512$${salt}$${hash}`);
  }
  return none(
    encoded.startsWith('$')
      ? 'its hash is of no kind that is known here'
      : 'it is not hashed: run mosquitto_passwd -U on the file first',
  );
}
