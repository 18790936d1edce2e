/** Which sources have used which credentials, so that a throttled source is still let in with one it used before. */
import { fingerprintsMax } from '../../limits/credentials.ts';
import { lruCache } from '../../platform/lru-cache.ts';
import { isStrong } from './passwords.ts';

export interface SeenCredentials {
  note(source: string, credentialId: string): void;
  /**
   * Whether a source that guessed too often is answered all the same: a strong password is not guessed,
   * and one that this source has shown before is not a guess. Without this a weak password that somebody
   * else's use made quick could be guessed as fast as this process answers.
   */
  isTrusted(password: string, source: string, credentialId: string): boolean;
}

export function createSeenCredentials(): SeenCredentials {
  const seen = lruCache<true>(fingerprintsMax);
  const key = (source: string, credentialId: string) => `${source} ${credentialId}`;
  return {
    note: (source, credentialId) => seen.set(key(source, credentialId), true),
    isTrusted: (password, source, credentialId) =>
      isStrong(password) || seen.get(key(source, credentialId)) === true,
  };
}
