/** The messages that are sent: webhooks signed by the Standard Webhooks specification (1.0), as CloudEvents (1.0) where that is wanted, and ntfy messages. */
import { createHmac } from 'node:crypto';
import { notificationNamesMax } from '../limits/notifications.ts';

export interface Message {
  /** The same at each attempt, so that the receiver recognises a repetition. */
  readonly id: string;
  readonly event: string;
  /** The names that it is about, for people who read the dead letters. */
  readonly subject: string;
  readonly url: string;
  readonly body: string;
  /** Made for each attempt: a signature includes the time. */
  readonly headers: (nowMs: number) => Readonly<Record<string, string>>;
}

/** `webhook-signature` of a message: HMAC-SHA-256 over id, timestamp (s) and body; the secret begins `whsec_`. */
export function webhookSignature(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string | null;
  /** The URI of this registry, for CloudEvents; null: the plain form, which needs none. */
  readonly cloudEventsSource: string | null;
}

interface WebhookContent {
  readonly id: string;
  readonly event: string;
  readonly subject: string;
  readonly at: string;
  readonly data: unknown;
}

/** In structured mode (CloudEvents HTTP binding, section 3.2): the receiver needs nothing of the headers. */
const cloudEvent = (source: string, { id, event, subject, at, data }: WebhookContent) => ({
  ...{ specversion: '1.0', id, source, type: `gatebook.${event}`, subject, time: at },
  ...{ datacontenttype: 'application/json', data },
});

export function webhookMessage(to: WebhookTarget, content: WebhookContent): Message {
  const { id, event, subject, at, data } = content;
  const { cloudEventsSource: source } = to;
  const body = JSON.stringify(source === null ? { event, at, data } : cloudEvent(source, content));
  const type = source === null ? 'json' : 'cloudevents+json; charset=utf-8';
  return {
    ...{ id, event, subject, body },
    url: to.url,
    headers: (nowMs) => {
      const timestamp = Math.floor(nowMs / 1_000);
      return {
        'Content-Type': `application/${type}`,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(to.secret === null
          ? {}
          : { 'webhook-signature': webhookSignature(to.secret, id, timestamp, body) }),
      };
    },
  };
}

/** Whom a message for people is about, and the event that it comes of. */
export interface ToldOf {
  readonly id: string;
  readonly username: string;
}

/** The first names of many. */
function namesIn(all: readonly ToldOf[], said: (one: ToldOf) => string): string {
  const names = all.slice(0, notificationNamesMax).map(said);
  const more = all.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

interface NtfyTarget {
  readonly url: string;
  readonly page: string | null;
}

const forPeople = (
  { url, page }: NtfyTarget,
  all: readonly ToldOf[],
  { event, body, title }: { event: string; body: string; title: string },
): Message => ({
  ...{ event, url, body, id: all.at(-1)?.id ?? '', subject: namesIn(all, (one) => one.username) },
  headers: () => ({
    'Content-Type': 'text/plain; charset=utf-8',
    Title: title,
    Tags: 'bell',
    ...(page === null ? {} : { Click: page }),
  }),
});

/** One message for people about all requests since the last one. */
export function ntfyMessage(to: NtfyTarget, requests: readonly ToldOf[]): Message {
  const one = requests.length === 1;
  const names = namesIn(requests, ({ username }) => username);
  return forPeople(to, requests, {
    event: 'request.pending',
    body: `${names} ${one ? 'waits' : 'wait'} for a decision.`,
    title: one ? 'A device asks for access' : `${requests.length} devices ask for access`,
  });
}

/** One message for people about all whose access ends soon. */
export function ntfyEndingMessage(
  to: NtfyTarget,
  endings: readonly (ToldOf & { readonly endsAt: string })[],
): Message {
  const endOf = new Map(endings.map(({ username, endsAt }) => [username, endsAt]));
  const one = endings.length === 1;
  const names = namesIn(
    endings,
    ({ username }) => `${username} at ${endOf.get(username)?.slice(0, 16).replace('T', ' ')} UTC`,
  );
  return forPeople(to, endings, {
    event: 'user.ending',
    body: `Access ends by itself: ${names}.`,
    title: one ? 'Access ends soon' : `Access of ${endings.length} clients ends soon`,
  });
}
