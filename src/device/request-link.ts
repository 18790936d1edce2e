/** The address of the page at which an administrator finds this device's request. */

/** @param page the address of the page, such as `https://gatebook.plant`; there is nothing secret in what comes back */
export function requestLink(page: string, username: string, pairingId: string | null): string {
  const pairing = pairingId === null ? '' : `&pairing=${pairingId}`;
  return `${page.replace(/\/+$/, '')}/#/requests?q=${encodeURIComponent(username)}${pairing}`;
}
