/** What of an event is proven: the bytes that its leaf in the Merkle tree is the hash of. */
import type { NewEvent } from '../store/event-store.ts';
import { canonicalJson } from './canonical-json.ts';

/** An event as the log has it, wherever it stands there. */
export interface LeafEvent extends NewEvent {
  readonly stream: string;
  readonly revision: number;
}

/** The RFC 8785 bytes of the event as stored (SPEC 10): never of an upcast one. */
export const leafBytes = ({ eventId, type, stream, revision, data, metadata }: LeafEvent): Buffer =>
  Buffer.from(canonicalJson({ eventId, type, stream, revision, data, metadata }));
