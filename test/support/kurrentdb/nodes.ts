/** Tests over two nodes that share a log in KurrentDB, and the keys. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry, type World } from '../service.ts';
import { suite } from '../suite.ts';
import { type KurrentServer, startKurrentServer } from './server.ts';

export interface Nodes {
  server: KurrentServer;
  keys: string;
  /** Has the embedded broker, and drives it. */
  first: World;
  second: World;
}

export const environmentOf = ({ server, keys }: Pick<Nodes, 'server' | 'keys'>) => ({
  GATEBOOK_STORE: server.connectionString,
  GATEBOOK_KEYS_DIR: keys,
  GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
});

export function nodesSuite(name: string) {
  const test = suite<Nodes>(name, {} as Nodes);
  test.before(async (nodes) => {
    nodes.server = await startKurrentServer();
    nodes.keys = await mkdtemp(join(tmpdir(), 'gatebook-keys-'));
    nodes.first = await startRegistry(environmentOf(nodes));
    nodes.second = await startRegistry({ ...environmentOf(nodes), GATEBOOK_MQTT_PORT: 'off' });
  });
  test.after(async ({ server, keys, first, second }) => {
    await second?.stop();
    await first?.stop();
    await server?.stop();
    await rm(keys, { recursive: true, force: true });
  });
  return test;
}

export const ask = (world: World, username: string, password: string, more: object = {}) =>
  world.call('POST', '/api/client-registry/register', {
    token: null,
    body: { username, password, ...more },
  });
