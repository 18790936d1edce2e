/** The messages that are sent: webhooks signed by the Standard Webhooks specification (1.0), and ntfy messages. */
import { createHmac } from 'node:crypto';
import { notificationNamesMax } from '../limits.ts';

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

export function webhookMessage(
  to: { readonly url: string; readonly secret: string | null },
  content: {
    readonly id: string;
    readonly event: string;
    readonly subject: string;
    readonly at: string;
    readonly data: unknown;
  },
): Message {
  const { id, event, subject, at, data } = content;
  const body = JSON.stringify({ event, at, data });
  return {
    ...{ id, event, subject, body },
    url: to.url,
    headers: (nowMs) => {
      const timestamp = Math.floor(nowMs / 1_000);
      return {
        'Content-Type': 'application/json',
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
