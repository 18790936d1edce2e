/**
 * A KurrentDB for tests: speaks the streams protocol to the real client, from the service definitions
 * that ship with it, keeps its log in memory, and fails on request.
 */
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { status as codes, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import gossip from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_grpc_pb.js';
import leases from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/persistentsubscriptions_grpc_pb.js';
import features from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js';
import messages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb.js';
import type { KurrentFaults } from './server-faults.ts';
import { clusterInfo, type Member } from './server-gossip.ts';
import { leasingOf } from './server-leases.ts';
import { diskOf, type KurrentLog, kurrentLog } from './server-log.ts';
import { end, readingOf } from './server-reads.ts';
import { writingOf } from './server-writes.ts';

export interface KurrentServer {
  readonly port: number;
  readonly connectionString: string;
  readonly log: KurrentLog;
  readonly faults: KurrentFaults;
  /** Subscriptions get what was withheld from them. */
  deliver(): void;
  /** Breaks off every subscription. */
  endSubscriptions(): void;
  subscriptionCount(): number;
  /** How many leases are held. */
  leaseCount(): number;
  /** Takes every lease from its holder. */
  endLeases(): void;
  /** Drops what tombstones deleted from the disk of this node alone. */
  scavenge(): void;
  /** Goes away at once, with every connection. */
  stop(): Promise<void>;
  /** Comes back at the same port, with the same log. */
  start(): Promise<void>;
}

/**
 * @param log another node's, where it is one of a cluster
 * @param members what it answers who asks for the nodes of its cluster
 */
export async function startKurrentServer(
  log: KurrentLog = kurrentLog(),
  members: () => readonly Member[] = () => [],
): Promise<KurrentServer> {
  const disk = diskOf(log);
  const faults: KurrentFaults = {
    appends: [],
    tombstones: [],
    hangs: false,
    withholds: false,
    reads: [],
    subscriptionsEndAfter: null,
  };
  const subscriptions = new Set<Parameters<typeof end>[0]>();
  const leasing = leasingOf(faults);
  let port = 0;
  let server: Server | undefined;

  async function start(): Promise<void> {
    server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
    server.addService(features.ServerFeaturesService, {
      getSupportedMethods(_call: unknown, answered: (error: null, value: unknown) => void) {
        if (!faults.hangs) answered(null, supportedMethods());
      },
    });
    server.addService(gossip.GossipService, {
      read(_call: unknown, answered: (error: null, value: unknown) => void) {
        if (!faults.hangs) answered(null, clusterInfo(members()));
      },
    });
    server.addService(streams.StreamsService, {
      ...readingOf(disk.log, faults, subscriptions, leaderElsewhere),
      ...writingOf(log, faults),
      delete(_call: unknown, answered: (error: object) => void) {
        // The adapter only tombstones: a soft deletion keeps what it deletes.
        answered({
          code: codes.UNIMPLEMENTED,
          details: 'no soft deletion',
          metadata: new Metadata(),
        });
      },
    });
    server.addService(leases.PersistentSubscriptionsService, leasing.service);
    if (port !== 0) await whenFree(port);
    port = await new Promise((resolve, reject) => {
      server?.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  }

  /** The port of the node that leads, where it is another one. */
  function leaderElsewhere(): number | undefined {
    const leader = members().find(({ leads }) => leads)?.port;
    return leader === port ? undefined : leader;
  }

  await start();
  return {
    port,
    connectionString: `kurrentdb://127.0.0.1:${port}?tls=false`,
    log,
    faults,
    scavenge: disk.scavenge,
    deliver() {
      faults.withholds = false;
      for (const listener of [...log.listeners]) listener();
    },
    endSubscriptions() {
      for (const call of [...subscriptions]) end(call);
    },
    subscriptionCount: () => subscriptions.size,
    leaseCount: leasing.holders,
    endLeases: leasing.end,
    async stop() {
      leasing.end();
      server?.forceShutdown();
      server = undefined;
    },
    start,
  };
}

const portTriesMax = 20;
const portAgainMs = 250;

/** Resolves when nobody has the port; its own of before may be the near end of somebody's connection for a moment. */
async function whenFree(port: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const probe = createServer();
    const fault = await new Promise<Error | null>((resolve) => {
      probe.once('error', resolve);
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(null)));
    });
    if (fault === null) return;
    if (tries === portTriesMax) throw fault;
    await sleep(portAgainMs);
  }
}

function supportedMethods() {
  const supported = new messages.SupportedMethods();
  supported.setEventStoreServerVersion('23.10.8');
  const method = (service: string, name: string, ...told: string[]) => {
    const one = new messages.SupportedMethod();
    one.setServiceName(`event_store.client.${service}`);
    return one.setMethodName(name).setFeaturesList(told);
  };
  const streams = (name: string) => method('streams.Streams', name);
  const subscriptions = 'persistent_subscriptions.PersistentSubscriptions';
  supported.setMethodsList([
    ...['append', 'batchappend', 'read', 'tombstone'].map(streams),
    ...['create', 'getinfo', 'read'].map((name) => method(subscriptions, name, 'stream')),
  ]);
  return supported;
}
