/** Whom a rule would have let in or kept out, among the requests that were asked in a period. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  asksForSource,
  differs,
  type Judgement,
  judging,
  type PastSource,
  type Reason,
  reasons,
  type WhatIfOutcome,
  type WhatIfRule,
} from '../../../domain/what-if.ts';
import { registryId } from '../../../domain/window.ts';
import type { RequestRow } from '../../../projections/requests.ts';
import type { WindowRow } from '../../../projections/window.ts';
import type { Personal } from '../../credentials/personal-data.ts';
import { whatIfPageSize, whatIfRequestsMax, whatIfsMax } from '../../limits/audit.ts';
import { addMs } from '../../platform/instant.ts';
import { matchesNetworks } from '../../platform/networks.ts';
import { serial } from '../../platform/serial.ts';
import { cursorsOf, MalformedCursor } from '../../read-models/cursor.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type { VersionedRows } from '../../read-models/row-versions.ts';
import type { Tree } from '../transparency-log/tree.ts';

interface WhatIfQuestion {
  readonly rule: WhatIfRule;
  /** The period in which requests were asked: from `since` to before `until`, ISO. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Shows only these; all are judged and counted. */
  readonly outcome?: WhatIfOutcome | undefined;
  readonly differs?: boolean | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

interface WhatIfOptions<Shown> {
  readonly requests: Rows<RequestRow>;
  readonly window: VersionedRows<WindowRow>;
  readonly tree: Pick<Tree, 'size' | 'sizeAt'>;
  readonly personal: Pick<Personal, 'open'>;
  /** A request as it is shown. */
  readonly show: (requestId: string, seeing: boolean) => Promise<Shown | undefined>;
  /** Another limit than the named one, so that a test can reach it. */
  readonly requestsMax?: number;
}

/** The period holds more requests than are looked at for one answer. */
export class PeriodTooLong extends Error {
  override name = 'PeriodTooLong';
  readonly count: number;
  readonly max: number;
  constructor(count: number, max: number) {
    super(`${count} requests are more than ${max}`);
    this.count = count;
    this.max = max;
  }
}

/** As many what-ifs wait already as may. */
export class TooManyWhatIfs extends Error {
  override name = 'TooManyWhatIfs';
}

/** What became of some requests. */
type StatusCounts = Record<'all' | RequestRow['status'], number>;
const noStatusCounts = (): StatusCounts => ({
  all: 0,
  granted: 0,
  denied: 0,
  expired: 0,
  pending: 0,
});

const noCounts = () => ({
  asked: noStatusCounts(),
  letIn: noStatusCounts(),
  keptOut: noStatusCounts(),
  unchanged: noStatusCounts(),
  differing: 0,
  reasons: Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>,
});
type OutcomeCounts = ReturnType<typeof noCounts>;
const countOf = { 'let-in': 'letIn', 'kept-out': 'keptOut', unchanged: 'unchanged' } as const;

interface Judged extends Judgement {
  readonly requestId: string;
  readonly status: RequestRow['status'];
  readonly differs: boolean;
}

function count(counts: OutcomeCounts, judged: Judged): void {
  for (const tally of [counts.asked, counts[countOf[judged.outcome]]]) {
    tally.all += 1;
    tally[judged.status] += 1;
  }
  if (judged.differs) counts.differing += 1;
  counts.reasons[judged.reason] += 1;
}

/** A place in the list is a request: its outcome stays, whatever comes later. */
const cursors = cursorsOf('what-if');

/** Keeps the newest of what is to be shown, as many as a page has, among those before the cursor. */
class NewestPage {
  readonly #question: WhatIfQuestion;
  readonly #limit: number;
  readonly #before: string | undefined;
  #isOver = false;
  #newest: Judged[] = [];

  constructor(question: WhatIfQuestion) {
    const { limit, cursor } = question;
    this.#question = question;
    this.#limit = limit;
    this.#before = cursor === undefined ? undefined : cursors.place(cursor);
  }

  add(judged: Judged): void {
    const { outcome, differs } = this.#question;
    if (judged.requestId === this.#before) this.#isOver = true;
    if (this.#isOver) return;
    if (outcome !== undefined && outcome !== judged.outcome) return;
    if (differs !== undefined && differs !== judged.differs) return;
    this.#newest.push(judged);
    // One more than a page, to know whether there is more; let go of in portions.
    if (this.#newest.length > 2 * this.#limit + 1)
      this.#newest = this.#newest.slice(-this.#limit - 1);
  }

  /** @throws MalformedCursor */
  result(): { items: Judged[]; nextCursor: string | null } {
    if (this.#before !== undefined && !this.#isOver)
      throw new MalformedCursor('the cursor is none of this list');
    const items = this.#newest.slice(-this.#limit).reverse();
    const last = items.at(-1);
    const isMore = this.#newest.length > this.#limit && last !== undefined;
    return { items, nextCursor: isMore ? cursors.at(last.requestId) : null };
  }
}

/** The last moment before `at`. */
const before = (at: string) => addMs(at, -1);

/** Places in the log, as `at` of `/audit/state` is one: what was asked from `from` on, before `to`. */
function periodOf(
  { tree, window }: Pick<WhatIfOptions<never>, 'tree' | 'window'>,
  { rule, since, until }: WhatIfQuestion,
) {
  const from = since === undefined ? 0 : tree.sizeAt(before(since));
  const to = until === undefined ? tree.size() : Math.max(from, tree.sizeAt(before(until)));
  const open = rule.kind === 'limits' ? window.get(registryId, from) : undefined;
  // A window that was open when the period began had places that were taken before.
  const start =
    open?.status === 'unlocked' ? Math.min(from, tree.sizeAt(before(open.unlockedAt))) : from;
  return { start, from, to };
}

function* pages(requests: Rows<RequestRow>, from: number, to: number) {
  // The one lower bound: beside a second one the index would be read from there for every page.
  let cursor: string | undefined;
  do {
    const page = requests.find({
      where: [{ column: 'born', below: to }],
      order: 'oldest',
      limit: whatIfPageSize,
      after: from === 0 ? undefined : from - 1,
      cursor,
    });
    yield page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

async function sourceOf(
  { username, source }: RequestRow,
  rule: WhatIfRule,
  personal: Pick<Personal, 'open'>,
): Promise<PastSource> {
  if (!asksForSource(rule, username)) return { status: 'unread' };
  if (source === null) return { status: 'unknown' };
  const address = await personal.open(username, 'source', source);
  return typeof address === 'string' ? { status: 'known', address } : { status: 'erased' };
}

export function createWhatIf<Shown>(options: WhatIfOptions<Shown>) {
  const { requests, personal, show, requestsMax = whatIfRequestsMax } = options;
  const queue = serial();
  let waitingCount = 0;

  async function oneAtATime<T>(act: () => Promise<T>): Promise<T> {
    if (waitingCount >= whatIfsMax) throw new TooManyWhatIfs();
    waitingCount += 1;
    try {
      return await queue(act);
    } finally {
      waitingCount -= 1;
    }
  }

  /** Judges all of the period in the order of the log; undefined: nobody waits for it any more. */
  async function judgeAll(question: WhatIfQuestion, signal: AbortSignal) {
    const { rule } = question;
    const { start, from, to } = periodOf(options, question);
    const found = requests.count([
      { column: 'born', atLeast: start },
      { column: 'born', below: to },
    ]);
    if (found > requestsMax) throw new PeriodTooLong(found, requestsMax);

    const judge = judging(rule, matchesNetworks);
    const counts = noCounts();
    const page = new NewestPage(question);
    for (const [first, end] of [
      [start, from],
      [from, to],
    ] as const)
      for (const rows of pages(requests, first, end)) {
        if (signal.aborted) return undefined;
        const past = await Promise.all(
          rows.map(async (row) => ({ ...row, source: await sourceOf(row, rule, personal) })),
        );
        for (const request of past) {
          const { requestId, status } = request;
          const judgement = judge(request);
          if (first < from) continue;
          const judged = { ...judgement, requestId, status, differs: differs(judgement, status) };
          count(counts, judged);
          page.add(judged);
        }
        await nextTurn();
      }
    return { counts, ...page.result() };
  }

  /**
   * Undefined: the signal was aborted.
   * @throws PeriodTooLong, TooManyWhatIfs, MalformedCursor
   */
  return async function whatIf(question: WhatIfQuestion, seeing: boolean, signal: AbortSignal) {
    const judged = await oneAtATime(() => judgeAll(question, signal));
    if (judged === undefined) return undefined;
    const items = await Promise.all(
      judged.items.map(async ({ requestId, outcome, reason, differs }) => {
        const request = await show(requestId, seeing);
        return request && { request, outcome, reason, differs };
      }),
    );
    return { ...judged, items: items.filter((item) => item !== undefined) };
  };
}
