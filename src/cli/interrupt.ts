/** Ctrl-C and SIGTERM for commands that wait. */

/** Does work until it is done or somebody interrupts; then its signal aborts, and null comes back. */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | null> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return null;
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}
