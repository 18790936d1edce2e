/** Turns events as older versions stored them into today's shape, when they are read; the log never changes. */

type Data = Readonly<Record<string, unknown>>;

/** By event type. An entry stays for ever: the events it is for do too. None is needed yet. */
export const upcasters: Readonly<Record<string, (data: Data) => Data>> = {};

/** The type and today's data of a stored event. */
export function upcast(
  { type, data }: { readonly type: string; readonly data: Data },
  by: typeof upcasters = upcasters,
): { type: string; data: Data } {
  const change = Object.hasOwn(by, type) ? by[type] : undefined;
  return { type, data: change?.(data) ?? data };
}
