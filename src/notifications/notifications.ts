/**
 * Tells others what happens, by webhook and by a message for people. Follows the history from where it
 * was, so that nothing is lost while a receiver or this process is away; what cannot be delivered after
 * so many attempts is put aside, and the next one is sent.
 */
import type { HistoryRow } from '../../projections/history.ts';
import {
  deadLettersMax,
  notificationBatchMax,
  notificationGatherMs,
  notificationRetriesMs,
  notificationTimeoutMs,
} from '../limits.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { cursorOf, type Rows } from '../read-models/row-table.ts';
import type { Views } from '../views/views.ts';
import { entryData } from './entry-data.ts';
import { type LiveEntry, liveEntries } from './live-events.ts';
import { type Message, ntfyMessage, webhookMessage } from './messages.ts';

export type NotificationTarget = 'webhook' | 'ntfy';

/** What was not delivered. Holds no personal field and no address that could be a secret. */
export interface DeadLetter {
  readonly messageId: string;
  readonly target: NotificationTarget;
  readonly event: string;
  readonly subject: string;
  readonly at: string;
  readonly attemptCount: number;
  readonly detail: string;
}

export interface NotificationOptions {
  readonly webhook: { readonly url: string; readonly secret: string | null } | null;
  readonly ntfyUrl: string | null;
  /** The page's own address, to be opened from a message. */
  readonly publicUrl: string | null;
  readonly history: Rows<HistoryRow>;
  readonly views: Pick<Views, 'request' | 'window' | 'user'>;
  readonly readModels: Pick<ReadModels, 'getBookmark' | 'setBookmark' | 'onApplied'>;
  readonly logger: Logger;
  readonly now: () => string;
  readonly signal: AbortSignal;
  /** Other pauses than the named ones, so that a test need not wait. */
  readonly retriesMs?: readonly number[];
  readonly gatherMs?: number;
}

export interface Notifications {
  deadLetters(): readonly DeadLetter[];
  readonly ended: Promise<void>;
}

interface NotifiedEntry {
  readonly row: HistoryRow;
  readonly entry: LiveEntry;
}

interface Target {
  readonly name: NotificationTarget;
  readonly gatherMs: number;
  messages(told: readonly NotifiedEntry[]): Promise<Message[]>;
}

const deadLettersNote = 'notifications-dead-letters';

export function startNotifications(options: NotificationOptions): Notifications {
  const { readModels, signal } = options;
  const waiting = new Set<() => void>();
  readModels.onApplied(() => {
    for (const wake of waiting) wake();
  });
  const changed = () =>
    new Promise<void>((resolve) => {
      const done = () => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
    });
  const letters: DeadLetter[] = JSON.parse(readModels.getBookmark(deadLettersNote) ?? '[]');
  const putAside = (letter: DeadLetter) => {
    letters.unshift(letter);
    letters.length = Math.min(letters.length, deadLettersMax);
    readModels.setBookmark(deadLettersNote, JSON.stringify(letters));
  };
  const targets = [webhookTarget(options), ntfyTarget(options)].filter((one) => one !== null);
  return {
    deadLetters: () => [...letters],
    ended: Promise.all(targets.map((target) => follow(options, target, changed, putAside))).then(
      () => undefined,
    ),
  };
}

function webhookTarget({ webhook, views }: NotificationOptions): Target | null {
  if (webhook === null) return null;
  return {
    name: 'webhook',
    gatherMs: 0,
    async messages(told) {
      const messages: Message[] = [];
      for (const { row, entry } of told) {
        // Nothing personal leaves by this way: it could not be erased where it went.
        const data = await entryData(views, entry, false);
        if (data !== undefined)
          messages.push(
            webhookMessage(webhook, {
              id: `${row.eventId}-${entry.name}`,
              event: entry.name,
              subject: row.username ?? row.windowId ?? '',
              at: row.at,
              data,
            }),
          );
      }
      return messages;
    },
  };
}

function ntfyTarget(options: NotificationOptions): Target | null {
  const { ntfyUrl, publicUrl, views } = options;
  if (ntfyUrl === null) return null;
  return {
    name: 'ntfy',
    gatherMs: options.gatherMs ?? notificationGatherMs,
    async messages(told) {
      const asked: { id: string; username: string }[] = [];
      for (const { row, entry } of told) {
        if (entry.name !== 'request.pending' || row.username === null) continue;
        const request = await views.request(entry.key, false);
        // Whoever is decided meanwhile needs nobody.
        if (request?.status === 'pending')
          asked.push({ id: row.eventId, username: request.username });
      }
      return asked.length === 0 ? [] : [ntfyMessage({ url: ntfyUrl, page: publicUrl }, asked)];
    },
  };
}

/** Goes on where it was before; the first time from now on. */
async function follow(
  options: NotificationOptions,
  target: Target,
  changed: () => Promise<void>,
  putAside: (letter: DeadLetter) => void,
): Promise<void> {
  const { history, readModels, signal, logger } = options;
  const checkpoint = `notifications-${target.name}`;
  let index = Number(readModels.getBookmark(checkpoint) ?? newest(history));
  readModels.setBookmark(checkpoint, String(index));
  while (!signal.aborted) {
    const page = history.find({
      order: 'oldest',
      limit: notificationBatchMax,
      cursor: cursorOf(index),
    });
    const last = page.items.at(-1);
    if (last === undefined) {
      await changed();
      if (target.gatherMs > 0) await pause(target.gatherMs, signal);
      continue;
    }
    try {
      const told = page.items.flatMap((row) => liveEntries(row).map((entry) => ({ row, entry })));
      for (const message of await target.messages(told)) {
        await deliver(options, target, message, putAside);
        if (signal.aborted) return;
      }
    } catch (error) {
      logger.error('A notification could not be made', { error, target: target.name });
    }
    index = last.index;
    readModels.setBookmark(checkpoint, String(index));
  }
}

const newest = (history: Rows<HistoryRow>): number =>
  history.find({ order: 'newest', limit: 1 }).items[0]?.index ?? 0;

async function deliver(
  { signal, logger, now, retriesMs = notificationRetriesMs }: NotificationOptions,
  { name }: Target,
  message: Message,
  putAside: (letter: DeadLetter) => void,
): Promise<void> {
  let detail = '';
  for (let attempt = 0; attempt <= retriesMs.length; attempt++) {
    const pauseMs = attempt === 0 ? 0 : (retriesMs[attempt - 1] ?? 0);
    if (pauseMs > 0) await pause(pauseMs, signal);
    if (signal.aborted) return;
    detail = await attempted(message, signal);
    if (detail === '') return;
  }
  if (signal.aborted) return;
  const { id, event, subject } = message;
  logger.warn('A notification could not be delivered and is put aside', {
    target: name,
    event,
    detail,
  });
  putAside({
    ...{ messageId: id, target: name, event, subject, detail },
    at: now(),
    attemptCount: retriesMs.length + 1,
  });
}

/** Empty: delivered; else why not, without the address, which may be a secret. */
async function attempted(message: Message, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(message.url, {
      method: 'POST',
      body: message.body,
      headers: message.headers(Date.now()),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(notificationTimeoutMs)]),
    });
    await response.body?.cancel();
    return response.ok ? '' : `answered ${response.status}`;
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: { code?: string } };
    return cause?.code ?? name ?? 'not reached';
  }
}
