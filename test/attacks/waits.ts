/** How long messages of two clients took, by the clock and by the processor, and whether that is as if nobody else were there. */

export interface Waits {
  /** Milliseconds from each message to its arrival. */
  readonly tookMs: readonly number[];
  /** Milliseconds of the processor that the service worked meanwhile, on whatever; none where the system does not tell. */
  readonly workedMs: readonly number[];
}

/** However busy the machine is, the service may do no more than this before a message is through: the ticks of the system's own count are 4 ms. */
const workedMsMax = 75;
/** By the clock: so many times what a message takes while nobody floods, and that much beyond. */
const tookTimesMax = 10;
const tookBeyondMsMax = 500;

export function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** The 99th of a hundred, without the worst: a short run has few, and one may meet a collection of garbage. */
function nearlyWorst(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.floor(sorted.length * 0.99) - 1)] ?? 0;
}

/** What is against it that others went on during an abuse as they do in quiet. */
export function heldUp(kind: string, quiet: Waits, during: Waits): string[] {
  const faults: string[] = [];
  if (during.tookMs.length === 0) faults.push(`${kind}: nobody said anything`);
  const worked = nearlyWorst(during.workedMs);
  if (worked > workedMsMax)
    faults.push(`${kind}: the service worked ${worked.toFixed(0)} ms before a message was through`);
  const bound = tookTimesMax * nearlyWorst(quiet.tookMs) + tookBeyondMsMax;
  const took = nearlyWorst(during.tookMs);
  if (took > bound)
    faults.push(`${kind}: a message took ${took.toFixed(0)} ms, ${bound.toFixed(0)} are allowed`);
  return faults;
}
