/** The lease on driving the brokers: one node of those on a log has it at a time. */

export interface Lease {
  /**
   * Whether this node holds it now. False as soon as the process was away for longer than the lease:
   * what it was about to do then is another's, or out of date.
   */
  held(): boolean;
  /** Runs `work` each time the lease is gained, and aborts its signal when it is lost or `signal` aborts. */
  whileHeld(signal: AbortSignal, work: (held: AbortSignal) => Promise<void>): Promise<void>;
}

/** The node lost the lease, or was away: it does nothing more until it has the lease again. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
}

/** The same object, whose functions refuse to act unless the lease is held at that moment. */
export function leased<Target extends object>(
  target: Target,
  lease: Lease,
  acting: readonly (keyof Target & string)[],
): Target {
  const names = new Set<string>(acting);
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      if (!names.has(name as string)) return value.bind(of);
      return async (...given: unknown[]) => {
        if (!lease.held()) throw new LeaseLost('this node does not drive the brokers now');
        return await value.apply(of, given);
      };
    },
  });
}
