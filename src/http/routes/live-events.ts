/** `/api/events`: what changes, as a stream of server-sent events (HTML Living Standard, section 9.2). */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { mayCall } from '../../../domain/matching.ts';
import type { App } from '../../app.ts';
import type { Caller } from '../../authority.ts';
import { liveHeartbeatMs, liveStreamsMax, liveStreamsPerUserMax } from '../../limits/http.ts';
import { entryData } from '../../notifications/entry-data.ts';
import { type LiveEntry, type LiveName, liveNames } from '../../notifications/live-events.ts';
import type { Knock } from '../../registration/knocks.ts';
import { knockAsShown } from '../../views/requests.ts';
import { Problem } from '../response/problem.ts';
import { type Route, type RouteRequest, route } from '../route.ts';

const groups = [...new Set(liveNames.map((name) => name.replace(/\..*/, '.*')))];
const patterns: readonly string[] = [...liveNames, ...groups];

const EventsQuery = z.strictObject({
  types: z
    .string()
    .max(512)
    .refine((text) => text.split(',').every((one) => patterns.includes(one)), {
      message: `must be a list of: ${patterns.join(', ')}`,
    })
    .optional(),
});

const typeFilter = (types: string | undefined) => {
  const wanted = types?.split(',');
  return (name: LiveName): boolean =>
    wanted?.some(
      (one) => one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -1))),
    ) ?? true;
};

/** The path that shows the thing: who may read that may read its event. */
function pathOf(name: LiveName, key: string): string[] {
  const base = ['', 'api', 'client-registry'];
  if (name.startsWith('request.')) return [...base, 'requests', key];
  if (name.startsWith('window.')) return base;
  if (name === 'proposal.changed') return ['', 'api', 'approvals', key];
  if (name === 'schedule.changed') return [...base, 'windows', key];
  if (name === 'checkpoint.published') return ['', 'api', 'audit', 'checkpoint'];
  return name === 'knock' ? [...base, 'knocks'] : ['', 'api', 'users', key];
}

const allowed = ({ permissions }: Caller, name: LiveName, key: string): boolean =>
  mayCall(permissions, pathOf(name, key), 'read');

const eventText = (name: string, data: unknown, id: string | null): string =>
  `${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

const idOnly = (position: string): string => `id: ${position}\n\n`;

const isPosition = (id: string) => /^\d{20}$/.test(id);

type EventsRequest = RouteRequest<unknown, { types?: string | undefined }, unknown, 'permitted'>;

/** Rights as they are now, since a stream outlives many changes of them; null: it ends. */
function readerOf({ authorize }: Pick<EventsRequest, 'authorize'>): Caller | null {
  try {
    return authorize();
  } catch {
    return null;
  }
}

/**
 * Entries as text, each with the id of its event. What one event means is one text, so that nobody
 * who goes on after its id has seen only a part of it. The reader takes one when they like, and is looked at
 * for each; there is no more once they may no more.
 */
async function* entriesAsText(
  app: App,
  entries: readonly LiveEntry[],
  request: EventsRequest,
  wants: (name: LiveName) => boolean,
): AsyncGenerator<string> {
  let text = '';
  for (const [at, entry] of entries.entries()) {
    const caller = readerOf(request);
    if (caller === null) return;
    const readable = wants(entry.name) && allowed(caller, entry.name, entry.key);
    const data = readable
      ? await entryData(app.views, entry, request.seesPersonalData())
      : undefined;
    if (data !== undefined) text += eventText(entry.name, data, entry.position);
    if (entries[at + 1]?.position === entry.position) continue;
    yield text === '' ? idOnly(entry.position) : text;
    text = '';
  }
}

const knocksAsText = (
  knocks: readonly Knock[],
  caller: Caller,
  seeing: boolean,
  wants: (name: LiveName) => boolean,
): string =>
  wants('knock') && allowed(caller, 'knock', '')
    ? knocks.map((knock) => eventText('knock', knockAsShown(knock, seeing), null)).join('')
    : '';

/** Ends when the reader goes away, the service stops, or the token lets nobody in any more. */
async function* eventStream(
  app: App,
  request: EventsRequest,
  over: () => void,
): AsyncGenerator<string> {
  const { signal, lastEventId, query } = request;
  const wants = typeFilter(query.types);
  const goesOn = lastEventId !== null && lastEventId !== '';
  const position = () => app.readModels.position();
  const from = goesOn && isPosition(lastEventId) ? lastEventId : null;
  const reader = app.liveEvents.read(goesOn ? (from ?? 'none') : null);
  let lastId = from ?? position();
  try {
    yield `retry: 2000\n${goesOn ? '\n' : idOnly(lastId)}`;
    while (!signal.aborted) {
      const { reset, entries, knocks, checkpoint } = await reader.next(liveHeartbeatMs, signal);
      if (signal.aborted || readerOf(request) === null) return;
      if (reset) {
        lastId = position();
        yield eventText('reset', {}, lastId);
      }
      lastId = entries.at(-1)?.position ?? lastId;
      yield* entriesAsText(app, entries, request, wants);
      const caller = readerOf(request);
      if (caller === null) return;
      const turned = knocksAsText(knocks, caller, request.seesPersonalData(), wants);
      if (turned !== '') yield turned;
      const published = checkpoint !== undefined && wants('checkpoint.published');
      if (published && allowed(caller, 'checkpoint.published', ''))
        yield eventText('checkpoint.published', checkpoint, lastId);
      if (!reset && entries.length === 0 && turned === '') yield ': heartbeat\n\n';
    }
  } finally {
    reader.close();
    over();
  }
}

/** Counts the open streams. @throws Problem `source-throttled` where there are too many */
function streamCounter() {
  const open = new Map<string, number>();
  let total = 0;
  return (username: string): (() => void) => {
    const own = open.get(username) ?? 0;
    if (own >= liveStreamsPerUserMax || total >= liveStreamsMax)
      throw new Problem('source-throttled', {
        detail: 'Too many streams of live events are open: close some, and try again.',
      });
    open.set(username, own + 1);
    total++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      total--;
      const left = (open.get(username) ?? 1) - 1;
      if (left > 0) open.set(username, left);
      else open.delete(username);
    };
  };
}

export function eventRoutes(app: App): Route[] {
  const countStream = streamCounter();
  return [
    route({
      method: 'GET',
      path: '/api/events',
      group: 'Events',
      operationId: 'followEvents',
      summary: 'What changes, as it changes',
      description:
        'Server-sent events. Goes on after Last-Event-ID; where that is too old, event: reset says that everything is to be read anew. Each carries the thing as it is now, to who may read it: request.* a Request, window.* the Window, user.* a User, activation.changed an activation and its username, proposal.changed a Proposal, schedule.changed a Schedule that was made, cancelled, skipped or has opened, knock a Knock.',
      access: 'permitted',
      query: EventsQuery,
      answers: {
        200: { description: 'A stream without an end.', type: 'text/event-stream' },
      },
      problems: ['source-throttled'],
      handle(request) {
        const over = countStream(request.caller.username);
        // Nothing is made ahead of the reader, who may lose the right to it.
        const body = Readable.from(eventStream(app, request, over), {
          ...{ objectMode: true, highWaterMark: 1 },
        });
        // Also where it went away before its first line.
        request.signal.addEventListener('abort', over);
        return {
          status: 200,
          body,
          type: 'text/event-stream',
          headers: { 'X-Accel-Buffering': 'no' },
        };
      },
    }),
  ];
}
