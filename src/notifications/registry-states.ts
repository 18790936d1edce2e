/** The retained messages of the registry's own MQTT topics: made of the rows when somebody subscribes, kept nowhere. */
import { covers, levelsOf, registryRoot } from '../../domain/matching.ts';
import type { RenderedMessages } from '../broker/ports/embedded.ts';
import { registryStatesMax, registryStatesPageSize } from '../limits/notifications.ts';
import type { Views } from '../views/views.ts';

interface RegistryStatesOptions {
  readonly views: Pick<Views, 'user' | 'users' | 'window'>;
  readonly now: () => string;
}

export const windowTopic = `${registryRoot}/window`;
export const stateTopic = (username: string): string => `${registryRoot}/clients/${username}/state`;

const stateLevels = levelsOf(stateTopic('+'));
const nameLevel = stateLevels.indexOf('+');

/** The username whose state a topic is; undefined: it is none. */
function usernameIn(topic: string): string | undefined {
  const levels = levelsOf(topic);
  return covers(stateLevels, levels) ? levels[nameLevel] : undefined;
}

/** The usernames whose state a filter matches: one, all of them, or none. */
function usernamesIn(filter: string): { readonly one: string } | 'all' | 'none' {
  const levels = levelsOf(filter);
  const name = levels[nameLevel];
  // A name that nobody has stands for all the others.
  if (covers(levels, levelsOf(stateTopic(' ')))) return 'all';
  return name !== undefined && covers(levels, levelsOf(stateTopic(name))) ? { one: name } : 'none';
}

export function createRegistryStates(options: RegistryStatesOptions): RenderedMessages {
  const { views } = options;
  return {
    has: (topic) => topic === windowTopic || usernameIn(topic) !== undefined,

    async *matching(filter) {
      if (covers(levelsOf(filter), levelsOf(windowTopic))) yield windowState(options);
      const names = usernamesIn(filter);
      if (names === 'none') return;
      if (names === 'all') return yield* everyState(options);
      const user = views.user(names.one);
      if (user !== undefined) yield userState(user);
    },
  };
}

/** Of those who ever had access, then of those who wait: the newest, where there are more than the limit. */
async function* everyState({ views }: RegistryStatesOptions) {
  let left = registryStatesMax;
  // Who had access once and asks anew is in both lists.
  const told = new Set<string>();
  for (const status of [undefined, 'pending']) {
    let cursor: string | undefined;
    do {
      const limit = Math.min(left, registryStatesPageSize);
      const page = await views.users({ status, limit, cursor });
      for (const user of page.items) {
        if (told.has(user.username)) continue;
        told.add(user.username);
        yield userState(user);
      }
      left -= page.items.length;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && left > 0);
    if (left === 0) return;
  }
}

const userState = (user: NonNullable<ReturnType<Views['user']>>) => ({
  topic: stateTopic(user.username),
  payload: JSON.stringify({ event: 'user.changed', at: user.changedAt, data: user }),
});

function windowState({ views, now }: RegistryStatesOptions) {
  const data = views.window();
  const at = (data.status === 'unlocked' ? data.unlockedAt : data.lockedAt) ?? now();
  const event = `window.${data.status}`;
  return { topic: windowTopic, payload: JSON.stringify({ event, at, data }) };
}
