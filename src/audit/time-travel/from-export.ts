/** Looking back into an export: its events folded by the same projections, in memory, without the registry. */
import { readBatchMax } from '../../limits/store.ts';
import { allCustomProjections, allProjections, rowsOf } from '../../read-models/all.ts';
import { MalformedCursor } from '../../read-models/cursor.ts';
import { inMemory } from '../../read-models/database.ts';
import { everyRow } from '../../read-models/every-row.ts';
import { openReadModels, type ReadModels } from '../../read-models/read-models.ts';
import { beginning, positionOf, type StoredEvent } from '../../store/event-store.ts';
import { createActivationViews } from '../../views/activations.ts';
import { createApprovalViews } from '../../views/approvals.ts';
import { createEventViews } from '../../views/events.ts';
import { createRequestViews } from '../../views/requests.ts';
import { createSharedKeys } from '../../views/shared-keys.ts';
import { isLeaf } from '../transparency-log/leaf.ts';
import type { Line } from '../transparency-log/ndjson.ts';
import { merkleTree } from '../transparency-log/tree.ts';
import { accessAt } from './access-at.ts';
import { createExplain } from './explain.ts';
import { momentOf, pastOf } from './past.ts';
import { clientAt, registryAt } from './state-at.ts';

/** Nothing can be answered: the file is no whole export from the first event on, or the cursor is of another list. */
export class NotAnswerable extends Error {
  override name = 'NotAnswerable';
}

interface ExportOptions {
  readonly lines: AsyncIterable<Line>;
  /** ISO: only what had happened by then is read; null: everything. */
  readonly until: string | null;
  /** ISO. */
  readonly now: () => string;
  readonly onProgress?: (eventCount: number) => void;
}

/** Checks that each stream goes on where it was: an event that was left out shows in it. */
function eventReader() {
  const nextRevisions = new Map<string, number>();
  let count = 0;
  return (bytes: Buffer): StoredEvent => {
    const line = count + 1;
    if (!isLeaf(bytes))
      throw new NotAnswerable(`Line ${line.toLocaleString('en')} is no event as it was exported.`);
    const event = JSON.parse(bytes.toString()) as Omit<StoredEvent, 'position'>;
    const { stream, revision } = event;
    const expected = nextRevisions.get(stream) ?? 0;
    if (revision !== expected)
      throw new NotAnswerable(
        `Line ${line.toLocaleString('en')} is event ${revision} of ${stream}, and event ${expected} is missing before it: it takes a whole export.`,
      );
    nextRevisions.set(stream, revision + 1);
    count += 1;
    return { ...event, position: positionOf(count) };
  };
}

async function foldLines(readModels: ReadModels, options: ExportOptions): Promise<void> {
  const read = eventReader();
  let batch: StoredEvent[] = [];
  let count = 0;
  const fold = () => {
    readModels.apply(batch);
    batch = [];
    const [fault] = readModels.faults();
    if (fault) throw fault.error;
    options.onProgress?.(count);
  };
  for await (const { bytes, isWhole } of options.lines) {
    if (!isWhole) throw new NotAnswerable('The file ends in the middle of an event.');
    const event = read(bytes);
    count += 1;
    // The order of the log rules: what stands behind a later moment had not happened yet.
    if (options.until !== null && String(event.data.at) > options.until) break;
    batch.push(event);
    if (batch.length >= readBatchMax) fold();
  }
  if (count === 0) throw new NotAnswerable('The file has no event.');
  fold();
}

export type ExportedPast = Awaited<ReturnType<typeof openExport>>;

/** @throws NotAnswerable, LineTooLong, and what the system says of the file */
export async function openExport(options: ExportOptions) {
  const readModels = openReadModels({
    ...{ file: inMemory, logId: 'export', head: beginning },
    ...{ projections: allProjections, customProjections: allCustomProjections },
  });
  try {
    await foldLines(readModels, options);
  } catch (error) {
    readModels.close();
    throw error;
  }
  return answersOf(readModels, options);
}

function answersOf(readModels: ReadModels, { until, now }: ExportOptions) {
  const rows = rowsOf(readModels);
  const tree = readModels.custom(merkleTree);
  const past = pastOf(readModels, tree);
  // Personal fields are sealed in an export, and their keys are not in it.
  const sealed = { open: async () => null };
  const brokerNames = new Set(
    [...everyRow(rows.activations)].flatMap(({ brokers }) => Object.keys(brokers)),
  );
  const activationViews = createActivationViews({
    rows,
    brokers: () => [...brokerNames].map((name) => ({ name, urls: [] })),
    activationObstacle: () => undefined,
  });
  const { request } = createRequestViews(
    { rows, personal: sealed, knocks: { all: () => [] } },
    activationViews,
    createSharedKeys({ rows }),
    createApprovalViews({ rows }).approvalsOf,
  );
  const { events } = createEventViews({ rows, personal: sealed });
  const sources = { store: { read: streamIn(rows) }, tree, past };
  const end = () => until ?? now();
  const user = (username: string) => clientAt(sources, username, { at: end(), size: tree.size() });
  return {
    clientAt: (username: string, at: string) => clientAt(sources, username, momentOf(tree, at)),
    registryAt: (at: string) => registryAt(past, momentOf(tree, at)),
    /** @throws NotAnswerable */
    accessAt: (at: string, question: Parameters<typeof accessAt>[2]) =>
      ofThisList(() => accessAt(past, momentOf(tree, at), question)),
    /** @throws NotAnswerable */
    events: (query: Parameters<typeof events>[0]) => ofThisList(() => events(query, false)),
    explain: (username: string) =>
      createExplain({
        ...{ history: rows.history, window: past.window, now: end },
        views: { user, request, events },
        turnedAway: () => null,
      }).explain(username, false),
    close: () => readModels.close(),
  };
}

const ofThisList = <Page>(read: () => Promise<Page>): Promise<Page> =>
  read().catch((error) => {
    throw error instanceof MalformedCursor
      ? new NotAnswerable('The cursor is none of this list.')
      : error;
  });

/** The events of a client's stream, or of its activations, which the history has by its name. */
const streamIn =
  ({ history }: Pick<ReturnType<typeof rowsOf>, 'history'>) =>
  async (stream: string): Promise<StoredEvent[]> => {
    const where = [{ column: 'username', is: stream.slice(stream.indexOf('-') + 1) }];
    return [...everyRow(history, { where, order: 'oldest' })]
      .filter((row) => row.stream === stream)
      .map(({ correlationId, causationId, ...row }) => ({
        ...row,
        metadata: { correlationId, causationId },
      }));
  };
