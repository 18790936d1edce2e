/** The rows of a long log are made by two threads: one has what is written once for each event, the other what changes. */
import { leafHashIn } from '../../audit/transparency-log/tree.ts';
import { beginning } from '../../store/event-store.ts';
import { EventFromText, type EventText } from '../../store/event-text.ts';
import { allCustomProjections, allProjections } from '../all.ts';
import type { CustomProjection } from '../custom-projection.ts';
import { type AnyProjection, openReadModels, type ReadModels } from '../read-models.ts';
import type { WrittenHash } from '../state-hash.ts';

interface Half {
  readonly projections: readonly AnyProjection[];
  readonly customProjections: readonly CustomProjection<unknown>[];
}

const all: readonly AnyProjection[] = allProjections;

/** About half of the work each. */
export const writtenOnce: Half = {
  projections: all.filter(({ isWrittenOnce }) => isWrittenOnce === true),
  customProjections: allCustomProjections,
};
export const changing: Half = {
  projections: all.filter(({ isWrittenOnce }) => isWrittenOnce !== true),
  customProjections: [],
};

export const openHalf = (
  file: string,
  logId: string,
  { written, ...half }: Half & { readonly written?: ReadonlyMap<string, WrittenHash> },
): ReadModels =>
  openReadModels({
    ...{ ...half, file, logId, head: beginning },
    ...{ isDraft: true, commitAfterMs: Number.POSITIVE_INFINITY, ...(written && { written }) },
  });

export const namesOf = ({ projections, customProjections }: Half): readonly string[] =>
  [...projections, ...customProjections].map(({ name }) => name);

/** The events that follow. @param leafHashes of all of them, one after the other, where they are known */
export function eventsFrom(
  models: ReadModels,
  texts: readonly EventText[],
  leafHashes?: Uint8Array,
): readonly EventFromText[] {
  const { index } = models.resume();
  return texts.map(
    (text, at) => new EventFromText(text, index + at, leafHashes && leafHashIn(leafHashes, at)),
  );
}

/** @throws Error the first fault of a projection, for which there is no draft */
export function applyAll(models: ReadModels, events: readonly EventFromText[]): void {
  models.apply(events);
  const [fault] = models.faults();
  if (fault !== undefined) throw fault.error;
}
