/** Who hears of each batch of events once the rows have it, and in which order. */
import type { ReadModels } from '../read-models/read-models.ts';

type AppliedListener = Parameters<ReadModels['onApplied']>[0];

const order = [
  // First: rights that are worked out are forgotten, so that nobody after it sees those of before.
  'authority',
  'known-logins',
  // Then what waits is counted, before anybody is told to ask again and takes the place.
  'capacity',
  // Whose password was moved in is known before it is shown.
  'foreign-verifiers',
  // Rules that are held are read anew.
  'preauthorizations',
  // Whoever asks for the list of revoked certificates gets one with what was just revoked.
  'revocation-list',
  // On every node, whichever of them erased a name.
  'knocks',
  // Of an erased name nothing is kept, on every node.
  'sightings',
  // Of a request that was decided no token is kept.
  'registration-tokens',
  // Devices that wait for a decision are answered before the people who look at it.
  'long-polls',
  'live-events',
  'operator-log',
  // Last: messages to other systems may be late.
  'notifications',
  'siem',
] as const;
type ListenerName = (typeof order)[number];

export interface AppliedListeners {
  /** The registration of one listener; however late it registers, its place in the order is the same. */
  as(name: ListenerName): (listener: AppliedListener) => void;
}

export function listenInOrder(readModels: Pick<ReadModels, 'onApplied'>): AppliedListeners {
  const listeners = new Map<ListenerName, AppliedListener>();
  readModels.onApplied((events, changes) => {
    for (const name of order) listeners.get(name)?.(events, changes);
  });
  return {
    as: (name) => (listener) => {
      if (listeners.has(name)) throw new Error(`${name} listens already`);
      listeners.set(name, listener);
    },
  };
}
