/** Addresses that mean another machine to everybody who uses them. */

/** Whether a URL leads to the machine that it is used on. */
export const isOwnMachine = (url: string): boolean =>
  /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
