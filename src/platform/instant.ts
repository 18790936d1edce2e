/** Instants as text (ISO 8601 in UTC, with milliseconds): the one that is now, and one so much later. */

/** The machine's clock, for the edge that hands it on. */
export function currentInstant(): string {
  const ms = Date.now();
  // Busy moments ask many times within one millisecond.
  if (ms !== latest.ms) latest = { ms, text: new Date(ms).toISOString() };
  return latest.text;
}

let latest = { ms: Number.NaN, text: '' };

/** Its milliseconds since the epoch. */
export function instantMs(at: string): number {
  // The same one is asked for again and again.
  if (at !== latestParsed.text) latestParsed = { text: at, ms: Date.parse(at) };
  return latestParsed.ms;
}

let latestParsed = { text: '', ms: Number.NaN };

/** The instant `ms` milliseconds after another; before it where they are negative. */
export function addMs(at: string, ms: number): string {
  // The doors ask each time when a request that came now would end.
  if (at !== latestSum.at || ms !== latestSum.ms)
    latestSum = { at, ms, text: new Date(Date.parse(at) + ms).toISOString() };
  return latestSum.text;
}

let latestSum = { at: '', ms: Number.NaN, text: '' };
