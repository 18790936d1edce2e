/** Patterns of names, as people write them: `*` any characters, `?` one. */

/** Whether any name of a length from 3 to 128 could fit a pattern (`Username` in `values.ts`). */
export function couldFitName(pattern: string): boolean {
  const atLeast = pattern.replaceAll('*', '').length;
  return (
    /^[A-Za-z0-9*?][A-Za-z0-9._@:*?-]*$/.test(pattern) &&
    atLeast <= 128 &&
    (pattern.includes('*') || atLeast >= 3)
  );
}

/**
 * Whether a whole name fits a pattern: `*` any characters, `?` one. Linear in the length of the name
 * for each star, so that no pattern can be made slow.
 */
export function fitsPattern(pattern: string, name: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resume = 0;
  while (place < name.length) {
    if (pattern[at] === '*') {
      star = at++;
      resume = place;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[place])) {
      at++;
      place++;
    } else if (star >= 0) {
      at = star + 1;
      place = ++resume;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
