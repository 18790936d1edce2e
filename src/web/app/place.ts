/** A link to one request, as a device shows it, and the way back to where somebody was before signing in elsewhere. */

/** Whom `#/requests?q=NAME&pairing=HEX` means. */
export interface RequestLink {
  /** A whole name, or a pairing ID. */
  readonly q: string;
  /** The pairing ID that goes with the name; null: the link has none. */
  readonly pairingId: string | null;
}

const linkTextMax = 128;

/** Null: it names nobody. Anybody can write a link: what is none of a pairing ID counts as absent. */
export function requestLinkOf(query: URLSearchParams): RequestLink | null {
  const q = (query.get('q') ?? '').trim().slice(0, linkTextMax);
  const pairing = query.get('pairing')?.replaceAll(/\s/g, '').toLowerCase() ?? '';
  return q === '' ? null : { q, pairingId: /^[0-9a-f]{6}$/.test(pairing) ? pairing : null };
}

const keptAs = 'gatebook-place';
const isSomewhere = (hash: string): boolean => !/^#?\/?($|sign-in)/.test(hash);

/** Before this page is left for the identity provider. */
export function keepPlace(): void {
  try {
    if (isSomewhere(location.hash)) sessionStorage.setItem(keptAs, location.hash);
  } catch {
    // Without storage one comes back to the first view.
  }
}

/** Goes on where somebody was before they signed in, unless they have gone elsewhere since. */
export function returnToPlace(): void {
  try {
    const kept = sessionStorage.getItem(keptAs);
    sessionStorage.removeItem(keptAs);
    if (kept !== null && !isSomewhere(location.hash)) location.replace(kept);
  } catch {
    // As above.
  }
}
