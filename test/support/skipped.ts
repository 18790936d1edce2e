/** What cannot be tested on this machine is said aloud and counted, never passed over. */

const reasons: string[] = [];

/** Says why something is not tested here: `if (!peer) return skipped('no mosquitto_pub here');` */
export function skipped(reason: string): void {
  reasons.push(reason);
  console.log(`skipped: ${reason}`);
}

export const skippedCount = (): number => reasons.length;
