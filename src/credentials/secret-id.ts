/** Ids of secrets: random, and so that those of one time stand beside each other in an index. */
import { endOfId, randomId } from '../platform/ids.ts';

/** How many begin alike: an index then takes them into few pages, where each would touch one of its own. */
const alike = 1_000;
/** Characters of a UUID with its version. */
const beginningLength = '01234567-0123-4'.length;

let beginning = '';
let left = 0;

/**
 * A UUID of version 4 that tells nothing, not even when it was made. Its first 48 bits are random and shared with those
 * that were made just before or after it, as their order in the vault tells anyway; 74 more are its own.
 */
export function newSecretId(): string {
  if (left === 0) {
    beginning = randomId().slice(0, beginningLength);
    left = alike;
  }
  left -= 1;
  return beginning + endOfId();
}
