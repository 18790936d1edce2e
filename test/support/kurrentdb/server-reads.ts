/** The reading half of the test server: streams, the order of all with filters, and subscriptions. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type {
  ReadReq,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type { KurrentFaults } from './server-faults.ts';
import type { KurrentLog, Stored } from './server-log.ts';
import {
  caughtUp,
  checkpointAt,
  confirmation,
  lost,
  notFound,
  notLeader,
  readEvent,
  streamDeleted,
  streamName,
} from './server-messages.ts';

type Call = ServerWritableStream<ReadReq, ReadResp>;

const backwards = 1;
const defaultWindow = 32;

export function readingOf(
  log: KurrentLog,
  faults: KurrentFaults,
  subscriptions: Set<Call>,
  leaderElsewhere: () => number | undefined,
) {
  function readAll(call: Call, options: ReadReq.Options): void {
    const reversed = options.getReadDirection() === backwards;
    const keep = keptBy(options.getFilter());
    let left = Number(options.getCount());
    for (const stored of startingAt(log.all, options, reversed)) {
      if (left === 0) break;
      if (!keep(stored)) continue;
      call.write(readEvent(stored, asString(options)));
      left -= 1;
    }
    call.end();
  }

  function readStream(call: Call, options: ReadReq.Options): void {
    const wanted = options.getStream();
    const name = streamName(wanted?.getStreamIdentifier());
    faults.reads.push(name);
    if (log.isDeleted(name)) {
      call.emit('error', streamDeleted(name));
      return;
    }
    const events = log.stream(name);
    if (!events) {
      call.write(notFound(name));
      call.end();
      return;
    }
    const reversed = options.getReadDirection() === backwards;
    const from = Number(wanted?.getRevision() || 0);
    const inOrder = reversed
      ? wanted?.hasEnd()
        ? events.toReversed()
        : events.slice(0, from + 1).toReversed()
      : events.slice(wanted?.hasEnd() ? events.length : from);
    for (const stored of inOrder.slice(0, Number(options.getCount())))
      call.write(readEvent(stored, asString(options)));
    call.end();
  }

  function subscribe(call: Call, options: ReadReq.Options): void {
    const keep = keptBy(options.getFilter());
    const filter = options.getFilter();
    const window =
      (filter?.getMax() || defaultWindow) * (filter?.getCheckpointintervalmultiplier() || 1);
    let place = subscribedAfter(log.all, options);
    let passed = 0;
    let sent = 0;
    let told = false;

    const pump = () => {
      if (faults.withholds) return;
      // A tombstone's scavenge takes records away: look for the place, not for an index.
      for (const stored of log.all.slice(firstAfter(log.all, place))) {
        place = stored.position;
        if (keep(stored)) {
          call.write(readEvent(stored, asString(options)));
          sent += 1;
          if (sent === faults.subscriptionsEndAfter) {
            end(call);
            return;
          }
        }
        passed += 1;
        if (filter && passed % window === 0) call.write(checkpointAt(place));
      }
      if (!told) call.write(caughtUp());
      told = true;
    };
    const off = () => {
      log.listeners.delete(pump);
      subscriptions.delete(call);
    };
    call.on('cancelled', off).on('close', off).on('error', off);
    log.listeners.add(pump);
    subscriptions.add(call);
    call.write(confirmation(crypto.randomUUID()));
    pump();
  }

  return {
    read(call: Call): void {
      const options = call.request.getOptions();
      if (faults.hangs || !options) return;
      const leader = leaderElsewhere();
      if (leader !== undefined && call.metadata.get('requires-leader').includes('true')) {
        call.emit('error', notLeader(leader));
        return;
      }
      if (options.hasSubscription()) subscribe(call, options);
      else if (options.hasStream()) readStream(call, options);
      else readAll(call, options);
    },
  };
}

/** Ends a subscription as a server does that goes away. */
export function end(call: Call): void {
  call.emit('error', lost());
}

const asString = (options: ReadReq.Options): boolean =>
  options.getUuidOption()?.hasString() ?? false;

const firstAfter = (all: readonly Stored[], position: number): number => {
  const at = all.findLastIndex((stored) => stored.position <= position);
  return at + 1;
};

/** Reading begins with the event at the position; backwards, with the one before it. */
function startingAt(all: readonly Stored[], options: ReadReq.Options, reversed: boolean) {
  const wanted = options.getAll();
  const position = Number(wanted?.getPosition()?.getCommitPosition() ?? 0);
  if (!reversed) return wanted?.hasEnd() ? [] : all.filter((stored) => stored.position >= position);
  const before = wanted?.hasEnd() ? all : all.filter((stored) => stored.position < position);
  return before.toReversed();
}

/**
 * A subscription begins after the event at the position. Where a scavenge took that event, the one
 * after it is left out: so does EventStoreDB 23.10.
 */
function subscribedAfter(all: readonly Stored[], options: ReadReq.Options): number {
  const wanted = options.getAll();
  if (wanted?.hasEnd()) return all.at(-1)?.position ?? 0;
  const position = Number(wanted?.getPosition()?.getCommitPosition() ?? 0);
  const next = all.find((stored) => stored.position >= position);
  return position === 0 ? 0 : (next?.position ?? position);
}

function keptBy(filter: ReadReq.Options.FilterOptions | undefined): (stored: Stored) => boolean {
  if (!filter) return () => true;
  const byStream = filter.getStreamIdentifier();
  const expression = byStream ?? filter.getEventType();
  const pattern = expression?.getRegex() ? new RegExp(expression.getRegex()) : undefined;
  const prefixes = expression?.getPrefixList() ?? [];
  return ({ stream, type }) => {
    const subject = byStream ? stream : type;
    return pattern?.test(subject) ?? prefixes.some((prefix) => subject.startsWith(prefix));
  };
}
