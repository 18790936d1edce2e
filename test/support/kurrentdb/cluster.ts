/** Two nodes that share one log, and know which of them leads. */
import { type KurrentServer, startKurrentServer } from './server.ts';

export interface KurrentCluster {
  /** The address of both, with the leader preferred. */
  readonly connectionString: string;
  readonly nodes: readonly [KurrentServer, KurrentServer];
  /** Kills the leader; the other one leads, as soon as it knows. */
  killLeader(): Promise<void>;
  stop(): Promise<void>;
}

export async function startKurrentCluster(): Promise<KurrentCluster> {
  let leader = 0;
  let nodes: KurrentServer[] = [];
  const members = () => nodes.map(({ port }, at) => ({ port, leads: at === leader }));
  const one = await startKurrentServer(undefined, members);
  const other = await startKurrentServer(one.log, members);
  nodes = [one, other];
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    connectionString: `kurrentdb://${hosts}?tls=false&nodePreference=leader`,
    nodes: [one, other],
    async killLeader() {
      await one.stop();
      leader = 1;
    },
    async stop() {
      await Promise.all([one.stop(), other.stop()]);
    },
  };
}
