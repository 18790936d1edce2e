/** What has to be made before a moment that a test then waits for, however slow the machine is. */

const leadAtMostMs = 60_000;

/**
 * Calls `make` with a moment at least `leadMs` from now (RFC 3339, a whole second, as certificates end) and answers with that moment and what was made.
 * Where that moment has passed by the time `make` is done, or made it fail, all is made again with twice the time.
 */
export async function madeBefore<T>(
  leadMs: number,
  make: (endsAt: string) => Promise<T>,
): Promise<{ made: T; endsAt: string }> {
  for (let lead = leadMs; ; lead *= 2) {
    const ends = Math.ceil((Date.now() + lead) / 1_000) * 1_000;
    const endsAt = new Date(ends).toISOString();
    try {
      const made = await make(endsAt);
      if (Date.now() < ends) return { made, endsAt };
    } catch (error) {
      if (Date.now() < ends) throw error;
    }
    if (lead > leadAtMostMs) throw new Error(`not made within ${lead} ms`);
  }
}
