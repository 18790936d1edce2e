/**
 * The disks of KurrentDB's nodes. A scavenge runs on each node by itself and may leave chunks as they are, and what
 * nodes tell of it does not say up to where: so each node is asked whether the events are still on its disk.
 */

import type { KurrentDBClient } from '@kurrent/kurrentdb-client';
import gossip from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_grpc_pb.js';
import type { ClusterInfo } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb.js';
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import { storeAttemptMs } from '../../limits/store.ts';
import type { Disk } from '../event-store.ts';
import { addressOfNode } from './address.ts';
import { connectionTo, type KurrentConnection } from './connection.ts';
import { type KurrentReading, readingFrom } from './read.ts';
import { retryUntil } from './retry.ts';

interface Node {
  readonly host: string;
  readonly port: number;
}

/** @param answerMs for how long each node is asked */
export function disksOf(connection: KurrentConnection, connectionString: string, answerMs: number) {
  const connections = new Map<string, KurrentConnection>();

  function readingAt(name: string, { host, port }: Node): KurrentReading {
    let direct = connections.get(name);
    if (direct === undefined) {
      direct = connectionTo(addressOfNode(connectionString, host, port), answerMs);
      connections.set(name, direct);
    }
    return readingFrom(direct);
  }

  return {
    async disks(): Promise<readonly Disk[]> {
      const nodes = await retryUntil(performance.now() + answerMs, connection.closed, () =>
        connection.ask(nodesOf),
      );
      const named = new Map(nodes.map((node) => [`${node.host}:${node.port}`, node]));
      for (const [name, gone] of connections)
        if (!named.has(name)) {
          connections.delete(name);
          await gone.close();
        }
      // One alone may be known by another address than its own.
      if (named.size <= 1)
        return [diskOf([...named.keys()][0] ?? 'the event store', readingFrom(connection))];
      return [...named].map(([name, node]) => diskOf(name, readingAt(name, node)));
    },
    async close(): Promise<void> {
      await Promise.all([...connections.values()].map((direct) => direct.close()));
    },
  };
}

const diskOf = (name: string, reading: KurrentReading): Disk => ({
  name,
  vaultLeft: reading.vaultLeft,
  has: reading.isThere,
});

/** Every node that the cluster knows of, also those that are down. */
async function nodesOf(client: KurrentDBClient): Promise<readonly Node[]> {
  // biome-ignore-start lint/complexity/useLiteralKeys: the dot does not reach what is protected.
  const [metadata] = await client['callArguments']({});
  const info = await client['execute'](
    gossip.GossipClient,
    'gossip',
    (asked) =>
      new Promise<ClusterInfo>((resolve, reject) => {
        const deadline = Date.now() + storeAttemptMs;
        asked.read(new shared.Empty(), metadata, { deadline }, (error, answer) =>
          error ? reject(error) : resolve(answer),
        );
      }),
  );
  // biome-ignore-end lint/complexity/useLiteralKeys: as above.
  return info.getMembersList().flatMap((member) => {
    const at = member.getHttpEndPoint();
    return at === undefined ? [] : [{ host: at.getAddress(), port: at.getPort() }];
  });
}
