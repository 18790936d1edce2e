/** What a live event carries: the thing that changed, as the API shows it now. */
import type { Views } from '../views/views.ts';
import type { LiveEntry } from './live-events.ts';

/** Undefined: there is no such thing any more. `withPersonalData`: opens the personal fields of requests. */
export async function entryData(
  views: Pick<Views, 'proposal' | 'request' | 'schedule' | 'user' | 'window'>,
  { name, key, broker }: Pick<LiveEntry, 'name' | 'key' | 'broker'>,
  withPersonalData: boolean,
) {
  if (name.startsWith('request.')) return await views.request(key, withPersonalData);
  if (name.startsWith('window.')) return views.window();
  if (name === 'proposal.changed') return views.proposal(key);
  if (name === 'schedule.changed') return views.schedule(key);
  const user = views.user(key);
  if (name.startsWith('user.') || user === undefined) return user;
  const activation = user.activations.find((one) => one.broker === broker);
  return activation && { ...activation, username: key };
}
