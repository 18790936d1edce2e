/**
 * Notifies others of what happens, by webhook and by a message for people. Follows the history from its
 * checkpoint, so that nothing is lost while a receiver or this process is down; what cannot be delivered
 * after so many attempts becomes a dead letter, and the next message is sent.
 */
import type { HistoryRow } from '../../projections/history.ts';
import {
  deadLettersMax,
  notificationBatchMax,
  notificationGatherMs,
} from '../limits/notifications.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { createWakeup, type Wakeup } from '../platform/wakeup.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Views } from '../views/views.ts';
import { deliver } from './delivery.ts';
import { entryData } from './entry-data.ts';
import { type LiveEntry, liveEntries } from './live-events.ts';
import {
  type Message,
  ntfyEndingMessage,
  ntfyMessage,
  type ToldOf,
  type WebhookTarget,
  webhookMessage,
} from './messages.ts';

type NotificationTarget = 'webhook' | 'ntfy';

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

interface NotificationOptions {
  readonly webhook: WebhookTarget | null;
  readonly ntfyUrl: string | null;
  /** The page's own address, to be opened from a message. */
  readonly publicUrl: string | null;
  readonly history: Rows<HistoryRow>;
  readonly views: Pick<Views, 'proposal' | 'request' | 'schedule' | 'window' | 'user'>;
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
  messages(entries: readonly NotifiedEntry[]): Promise<Message[]>;
}

const deadLettersBookmark = 'notifications-dead-letters';

export function startNotifications(options: NotificationOptions): Notifications {
  const { readModels } = options;
  const changed = createWakeup();
  readModels.onApplied(changed.wake);
  const letters: DeadLetter[] = JSON.parse(readModels.getBookmark(deadLettersBookmark) ?? '[]');
  const addDeadLetter = (letter: DeadLetter) => {
    letters.unshift(letter);
    letters.length = Math.min(letters.length, deadLettersMax);
    readModels.setBookmark(deadLettersBookmark, JSON.stringify(letters));
  };
  const targets = [webhookTarget(options), ntfyTarget(options)].filter((one) => one !== null);
  return {
    deadLetters: () => [...letters],
    ended: Promise.all(
      targets.map((target) => follow(options, target, changed, addDeadLetter)),
    ).then(() => undefined),
  };
}

function webhookTarget({ webhook, views }: NotificationOptions): Target | null {
  if (webhook === null) return null;
  return {
    name: 'webhook',
    gatherMs: 0,
    async messages(entries) {
      const messages: Message[] = [];
      for (const { row, entry } of entries) {
        // Personal fields are left out: they could not be erased at the receiver.
        const data = await entryData(views, entry, false);
        if (data !== undefined)
          messages.push(
            webhookMessage(webhook, {
              id: `${row.eventId}-${entry.name}`,
              event: entry.name,
              subject: row.username ?? row.windowId ?? entry.key,
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
    async messages(entries) {
      const pending: ToldOf[] = [];
      const endings = new Map<string, ToldOf & { readonly endsAt: string }>();
      for (const { row, entry } of entries) {
        if (entry.name === 'user.ending') {
          const user = views.user(entry.key);
          // One that was renewed meanwhile, or ended, needs no attention.
          if (user && user.expiresAt !== null && user.expiresAt === row.data.endsAt)
            endings.set(user.username, {
              ...{ id: row.eventId, username: user.username, endsAt: user.expiresAt },
            });
        }
        if (entry.name !== 'request.pending' || row.username === null) continue;
        const request = await views.request(entry.key, false);
        // One that was decided meanwhile needs no attention.
        if (request?.status === 'pending')
          pending.push({ id: row.eventId, username: request.username });
      }
      const to = { url: ntfyUrl, page: publicUrl };
      return [
        ...(pending.length === 0 ? [] : [ntfyMessage(to, pending)]),
        ...(endings.size === 0 ? [] : [ntfyEndingMessage(to, [...endings.values()])]),
      ];
    },
  };
}

/** Continues at the checkpoint; the first time from now on. */
async function follow(
  options: NotificationOptions,
  target: Target,
  changed: Wakeup,
  addDeadLetter: (letter: DeadLetter) => void,
): Promise<void> {
  const { history, readModels, signal, logger } = options;
  const checkpoint = `notifications-${target.name}`;
  let index = Number(readModels.getBookmark(checkpoint) ?? newest(history));
  readModels.setBookmark(checkpoint, String(index));
  while (!signal.aborted) {
    const page = history.find({
      order: 'oldest',
      limit: notificationBatchMax,
      after: index,
    });
    const last = page.items.at(-1);
    if (last === undefined) {
      await changed.next(signal);
      if (target.gatherMs > 0) await pause(target.gatherMs, signal);
      continue;
    }
    try {
      const entries = page.items.flatMap((row) =>
        liveEntries(row).map((entry) => ({ row, entry })),
      );
      for (const message of await target.messages(entries)) {
        await deliverOrRecordFailure(options, target.name, message, addDeadLetter);
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

/** Delivers a message, or makes a dead letter of it. */
async function deliverOrRecordFailure(
  { signal, logger, now, retriesMs }: NotificationOptions,
  target: NotificationTarget,
  message: Message,
  addDeadLetter: (letter: DeadLetter) => void,
): Promise<void> {
  const failure = await deliver(message, signal, retriesMs);
  if (failure === null) return;
  const { id: messageId, event, subject } = message;
  const { detail } = failure;
  logger.warn('A notification could not be delivered and is a dead letter now', {
    target,
    event,
    detail,
  });
  addDeadLetter({ ...{ messageId, target, event, subject, at: now() }, ...failure });
}
