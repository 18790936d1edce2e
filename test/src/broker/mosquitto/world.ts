/** A registry beside a real Mosquitto, and what tests ask of the two. */
import { until } from '../../../support/mqtt-peers.ts';
import { type Answer, startRegistry, type World } from '../../../support/service.ts';
import { type MosquittoPeer, mosquittoPeer } from './peer.ts';

type Permission = { context: 'mqtt'; resource: string; operation: string };

export const may = (operation: string, resource: string): Permission => ({
  context: 'mqtt',
  resource,
  operation,
});

export interface Beside {
  readonly world: World;
  readonly peer: MosquittoPeer;
  unlock(): Promise<void>;
  /** Asks at the door; the answer, whatever it is. */
  ask(username: string, password: string): Promise<Answer>;
  /** Asks for a new name and resolves with the request's id. */
  asked(username: string, password: string): Promise<string>;
  grant(requestId: string, ...permissions: Permission[]): Promise<Answer>;
  act(username: string, verb: string, body?: object): Promise<Answer>;
  /** What the API says of a client at Mosquitto. */
  activation(username: string): Promise<{ status: string; detail: string | null } | undefined>;
  /** Waits until the API says so. */
  becomes(username: string, status: string): Promise<void>;
  /** The account as Mosquitto wrote it. */
  account(username: string): ReturnType<MosquittoPeer['accounts']>['clients'][number] | undefined;
  /** Waits for an account at Mosquitto, or for its end. */
  staged(username: string): Promise<void>;
  gone(username: string): Promise<void>;
  reconcile(repair?: boolean): Promise<{ username: string; kind: string }[]>;
  clean(): Promise<void>;
}

export async function besideMosquitto(
  setting: (peer: MosquittoPeer) => string = (peer) => `embedded ${peer.setting}`,
): Promise<Beside> {
  const peer = await mosquittoPeer();
  const world = await startRegistry({ GATEBOOK_BROKER: setting(peer) });
  const post = (path: string, body: object = {}) => world.call('POST', `/api${path}`, { body });
  const account: Beside['account'] = (username) =>
    peer.accounts().clients.find((client) => client.username === username);
  const activation: Beside['activation'] = async (username) => {
    const { body } = await world.call('GET', `/api/users/${username}`);
    return body.activations?.find((one: { broker: string }) => one.broker === 'mosquitto');
  };
  const ask: Beside['ask'] = (username, password) =>
    world.call('POST', '/api/client-registry/register', {
      token: null,
      body: { username, password },
    });
  await until(() => world.running.app.health()['broker:mosquitto'] === 'up');
  return {
    world,
    peer,
    account,
    activation,
    ask,
    async unlock() {
      await post('/client-registry/unlock');
    },
    asked: async (username, password) => (await ask(username, password)).body.requestId,
    grant: (requestId, ...permissions) =>
      post(`/client-registry/requests/${requestId}/grant`, { permissions }),
    act: (username, verb, body) => post(`/users/${username}/${verb}`, body),
    async becomes(username, status) {
      let last: string | undefined;
      const late = AbortSignal.timeout(10_000);
      while (last !== status) {
        if (late.aborted) throw new Error(`${username} is ${last}, and never ${status}`);
        last = (await activation(username))?.status;
      }
    },
    // With its password: what Mosquitto still writes is lost to a kill, and with it the whole file.
    staged: (username) =>
      until(() => {
        const there = account(username);
        return there?.disabled === true && there.password !== undefined;
      }),
    gone: (username) => until(() => !account(username)),
    async reconcile(repair = false) {
      const { body } = await post('/brokers/mosquitto/reconcile', { repair });
      return body.drift;
    },
    async clean() {
      await world.stop();
      await peer.clean();
    },
  };
}
