/** What of an event is proven: the bytes that its leaf in the Merkle tree is the hash of. */
import type { Metadata, NewEvent } from '../../store/event-store.ts';
import type { EventFromText } from '../../store/event-text.ts';
import { canonicalJson } from './canonical-json.ts';
import { canonicalOf } from './canonical-text.ts';

/** An event as the log has it, wherever it stands there. */
interface LeafEvent extends NewEvent {
  readonly stream: string;
  readonly revision: number;
}

/** The RFC 8785 text of the event as stored (SPEC 10): never of an upcast one. */
export const leafText = ({ eventId, type, stream, revision, data, metadata }: LeafEvent): string =>
  canonicalJson({ data, eventId, metadata, revision, stream, type });

/** The same of an event that was parsed from its text. */
export function leafTextFrom(event: EventFromText): string {
  const { eventId, type, stream, revision, data, dataText, metadata, metadataText } = event;
  const [first, second] = [canonicalOf(data, dataText), canonicalMetadata(metadata, metadataText)];
  return (
    `{"data":${first},"eventId":${canonicalJson(eventId)},"metadata":${second},` +
    `"revision":${revision},"stream":${canonicalJson(stream)},"type":${canonicalJson(type)}}`
  );
}

/** Its two members alone and without an escape, as in nearly every event: no other text of them is as short as this. */
function canonicalMetadata(metadata: Metadata, text: string): string {
  const { correlationId, causationId } = metadata;
  if (
    typeof correlationId === 'string' &&
    (causationId === null || typeof causationId === 'string')
  ) {
    const cause = causationId === null ? 'null' : `"${causationId}"`;
    const canonical = `{"causationId":${cause},"correlationId":"${correlationId}"}`;
    if (canonical.length === text.length) return canonical;
  }
  return canonicalOf(metadata, text);
}

export const leafBytes = (event: LeafEvent): Buffer => Buffer.from(leafText(event));

const members = 'data,eventId,metadata,revision,stream,type';

/** Whether these are the bytes of some event's leaf. */
export function isLeaf(bytes: Buffer): boolean {
  try {
    const value = JSON.parse(bytes.toString());
    return (
      Object.keys(value).sort().join() === members &&
      Buffer.from(canonicalJson(value)).equals(bytes)
    );
  } catch {
    return false;
  }
}
