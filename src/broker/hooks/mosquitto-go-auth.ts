/** Mosquitto with the plugin mosquitto-go-auth: answers to its HTTP backend. It has no way to end a session from here. */
import { z } from 'zod';
import { type Hooks, withoutShareName } from './hooks.ts';

export const goAuthQuestions = ['user', 'superuser', 'acl'] as const;
export type GoAuthQuestion = (typeof goAuthQuestions)[number];

/** As Mosquitto has them (`mosquitto_plugin.h`): each message that is delivered is read. */
const [reads, writes, readsAndWrites, subscribes, unsubscribes] = [1, 2, 3, 4, 8] as const;

const User = z.object({
  username: z.string(),
  password: z.string(),
  // Older versions of the plugin do not tell it.
  clientid: z.string().default(''),
});
const Superuser = z.object({ username: z.string() });
const Acl = z.object({
  username: z.string(),
  clientid: z.string().optional(),
  topic: z.string(),
  acc: z.coerce.number().pipe(z.literal([reads, writes, readsAndWrites, subscribes, unsubscribes])),
});
export const GoAuthQuestionBody = { user: User, superuser: Superuser, acl: Acl };

export const goAuthAdmits = async (
  hooks: Hooks,
  { username, password, clientid }: z.output<typeof User>,
): Promise<boolean> =>
  (await hooks.connect('mosquitto-go-auth', {
    ...{ username, clientId: clientid, password: Buffer.from(password) },
    // The plugin tells no address, and judges certificates itself.
    ...{ source: null, certificate: null },
  })) !== null;

export function goAuthAllows(
  hooks: Hooks,
  { username, clientid, topic, acc }: z.output<typeof Acl>,
): boolean {
  const active = hooks.activeSession('mosquitto-go-auth', username, clientid || undefined);
  if (active === undefined) return false;
  switch (acc) {
    case reads:
    case subscribes:
      return hooks.mayRead(active, withoutShareName(topic));
    case writes:
      return hooks.mayPublish(active, topic);
    case readsAndWrites:
      return hooks.mayRead(active, topic) && hooks.mayPublish(active, topic);
    case unsubscribes:
      return true;
  }
}
