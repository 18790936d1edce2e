/** Ctrl-C, SIGTERM and readers that go away, for commands that wait. */

/**
 * Does work until it is done or somebody interrupts; then its signal aborts, and null comes back. `orUnread`:
 * the work is its output, so it is over too when nobody reads that any more (`… | head`).
 */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  { orUnread = false } = {},
): Promise<Result | null> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  if (orUnread) process.stdout.on('error', interrupt);
  try {
    return await work(interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return null;
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    if (orUnread) process.stdout.off('error', interrupt);
  }
}
