/** Between the test server's log and the messages of the protocol, whose classes ship with the client. */
import { createRequire } from 'node:module';
import { status as codes, Metadata, type StatusObject } from '@grpc/grpc-js';
import type {
  StreamIdentifier,
  UUID as Uuid,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import status from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/status_pb.js';
import type {
  BatchAppendReq,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import { appendBytesMax, type Expected, type Message, type Stored } from './server-log.ts';

// Messages of two versions of google-protobuf do not fit into one another: take the client's own.
const clientRequire = createRequire(import.meta.resolve('@kurrent/kurrentdb-client'));
const { Any }: typeof import('google-protobuf/google/protobuf/any_pb.js') = clientRequire(
  'google-protobuf/google/protobuf/any_pb.js',
);
const { Empty }: typeof import('google-protobuf/google/protobuf/empty_pb.js') = clientRequire(
  'google-protobuf/google/protobuf/empty_pb.js',
);

/** What a node says that does not lead, to who wants the leader. */
export function notLeader(port: number): object {
  const metadata = new Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', '127.0.0.1');
  metadata.set('leader-endpoint-port', String(port));
  return { code: codes.NOT_FOUND, details: 'Leader info available', metadata };
}

export const streamName = (identifier: StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();

export function identifierOf(stream: string): StreamIdentifier {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  return identifier;
}

export function uuidText(uuid: Uuid | undefined): string {
  if (!uuid?.hasStructured()) return uuid?.getString() ?? '';
  const half = (bits: string | undefined) =>
    BigInt.asUintN(64, BigInt(bits ?? 0))
      .toString(16)
      .padStart(16, '0');
  const hex =
    half(uuid.getStructured()?.getMostSignificantBits()) +
    half(uuid.getStructured()?.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function uuidOf(text: string, asString: boolean): Uuid {
  const uuid = new shared.UUID();
  if (asString) return uuid.setString(text);
  const hex = text.replaceAll('-', '');
  const signed = (digits: string) => BigInt.asIntN(64, BigInt(`0x${digits}`)).toString();
  const structured = new shared.UUID.Structured();
  structured.setMostSignificantBits(signed(hex.slice(0, 16)));
  structured.setLeastSignificantBits(signed(hex.slice(16)));
  return uuid.setStructured(structured);
}

export function messageFrom(proposed: BatchAppendReq.ProposedMessage): Message {
  const metadata = proposed.getMetadataMap();
  return {
    id: uuidText(proposed.getId()).toLowerCase(),
    type: metadata.get('type') ?? '',
    contentType: metadata.get('content-type') ?? '',
    data: Buffer.from(proposed.getData_asU8()),
    metadata: Buffer.from(proposed.getCustomMetadata_asU8()),
  };
}

export function expectedBy(options: BatchAppendReq.Options): Expected {
  if (options.hasNoStream()) return -1;
  if (options.hasAny()) return 'any';
  return options.hasStreamExists() ? 'exists' : Number(options.getStreamPosition());
}

export function readEvent(stored: Stored, asString: boolean): ReadResp {
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  const position = String(stored.position);
  recorded.setId(uuidOf(stored.id, asString));
  recorded.setStreamIdentifier(identifierOf(stored.stream));
  recorded.setStreamRevision(stored.revision);
  recorded.setPreparePosition(position);
  recorded.setCommitPosition(position);
  const metadata = recorded.getMetadataMap();
  metadata.set('type', stored.type);
  metadata.set('content-type', stored.contentType);
  metadata.set('created', String(BigInt(stored.createdMs) * 10_000n));
  recorded.setData(stored.data);
  recorded.setCustomMetadata(stored.metadata);
  const event = new streams.ReadResp.ReadEvent();
  event.setEvent(recorded);
  event.setCommitPosition(position);
  return new streams.ReadResp().setEvent(event);
}

export function checkpointAt(position: number): ReadResp {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(position));
  checkpoint.setPreparePosition(String(position));
  return new streams.ReadResp().setCheckpoint(checkpoint);
}

export function confirmation(id: string): ReadResp {
  const confirmed = new streams.ReadResp.SubscriptionConfirmation();
  confirmed.setSubscriptionId(id);
  return new streams.ReadResp().setConfirmation(confirmed);
}

export const caughtUp = (): ReadResp =>
  new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());

export function notFound(stream: string): ReadResp {
  const missing = new streams.ReadResp.StreamNotFound();
  missing.setStreamIdentifier(identifierOf(stream));
  return new streams.ReadResp().setStreamNotFound(missing);
}

/** What `batchAppend` answers instead of a success: a status with its details packed. */
export function refusal(
  reason:
    | 'deleted'
    | 'too-large'
    | 'busy'
    | { readonly current: number; readonly expected: Expected },
  stream: string,
) {
  const refused = new status.Status();
  const details = new Any();
  const pack = (bytes: Uint8Array, type: string) =>
    details.pack(bytes, `event_store.client.${type}`);
  if (reason === 'deleted') {
    const gone = new shared.StreamDeleted();
    gone.setStreamIdentifier(identifierOf(stream));
    pack(gone.serializeBinary(), 'StreamDeleted');
  } else if (reason === 'too-large') {
    const exceeded = new shared.MaximumAppendSizeExceeded();
    exceeded.setMaxappendsize(appendBytesMax);
    pack(exceeded.serializeBinary(), 'MaximumAppendSizeExceeded');
  } else if (reason === 'busy') {
    details.pack(new Empty().serializeBinary(), 'google.protobuf.Empty');
    refused.setMessage('Server Is Busy');
  } else {
    pack(wrongVersion(reason.current, reason.expected).serializeBinary(), 'WrongExpectedVersion');
  }
  return refused.setDetails(details);
}

function wrongVersion(current: number, expected: Expected) {
  const wrong = new shared.WrongExpectedVersion();
  if (current < 0) wrong.setCurrentNoStream(new Empty());
  else wrong.setCurrentStreamRevision(String(current));
  if (expected === -1) wrong.setExpectedNoStream(new Empty());
  else if (expected === 'any') wrong.setExpectedAny(new Empty());
  else if (expected === 'exists') wrong.setExpectedStreamExists(new Empty());
  else wrong.setExpectedStreamPosition(String(expected));
  return wrong;
}

/** How a call ends when its stream was tombstoned. */
export function streamDeleted(stream: string): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set('exception', 'stream-deleted');
  metadata.set('stream-name', stream);
  return {
    code: codes.FAILED_PRECONDITION,
    details: `Event stream '${stream}' is deleted.`,
    metadata,
  };
}

/** How a call ends whose server went away. */
export const lost = () => ({
  code: codes.UNAVAILABLE,
  details: 'injected',
  metadata: new Metadata(),
});
