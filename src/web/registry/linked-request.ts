/** A link that a device shows opens its request, and says where what waits is not what the link means. */
import { useEffect, useState } from 'preact/hooks';
import type { Request } from '../../api/output.ts';
import { html, type View } from '../app/html.ts';
import type { RequestLink } from '../app/place.ts';
import { pairingGroups } from '../app/words.ts';
import { Name, Notice } from '../parts/parts.ts';

const isMeant = ({ q }: RequestLink, { username, pairingId }: Request): boolean =>
  username === q || pairingId === q.replaceAll(/\s/g, '').toLowerCase();

function noticeOf(link: RequestLink, meant: readonly Request[]): View | null {
  const [one] = meant;
  if (one === undefined)
    return html`<${Notice} tone="wait" icon="clock"><${Name}>${link.q}<//> does not wait here now. It can ask while the registry is unlocked, and shows here then.<//>`;
  const { pairingId } = link;
  if (pairingId === null || one.pairingId === pairingId) return null;
  return html`<${Notice} tone="bad">The link says pairing ID <code>${pairingGroups(pairingId)}</code>, and what waits under this name has ${
    one.pairingId === null ? 'none' : html`<code>${pairingGroups(one.pairingId)}</code>`
  }: it may be somebody else. Look at the device before you grant.<//>`;
}

/**
 * What is to be said of the link; null: nothing.
 * @param waiting what was found for the link; null: that is not known yet
 * @param open opens the one request that is meant: once, and not where its pairing ID is another
 */
export function useLinkedRequest(
  link: RequestLink | null,
  waiting: readonly Request[] | null,
  open: (request: Request) => void,
): View | null {
  const [isDone, setDone] = useState(link === null);
  const meant = link === null ? [] : (waiting?.filter((one) => isMeant(link, one)) ?? []);
  const isKnown = link !== null && waiting !== null;
  const notice = isKnown ? noticeOf(link, meant) : null;
  useEffect(() => {
    if (!isKnown || isDone) return;
    setDone(true);
    const [one] = meant;
    if (one !== undefined && meant.length === 1 && notice === null) open(one);
  }, [isKnown]);
  return notice;
}
