/** What the test server does wrong on request. */

export interface KurrentFaults {
  /** What happens to the appends that come next, one each. */
  readonly appends: (
    | 'hang'
    | 'hang-after-write'
    | 'lose-request'
    | 'lose-answer'
    | 'busy'
    | 'none'
  )[];
  readonly tombstones: ('lose-answer' | 'none')[];
  /** Takes every call, and answers none. */
  hangs: boolean;
  /** Subscriptions get nothing new, so that whoever follows them falls behind; reads and appends go on. */
  withholds: boolean;
  /** The streams that were read, in order. */
  readonly reads: string[];
  /** A subscription breaks off after so many events. */
  subscriptionsEndAfter: number | null;
}
