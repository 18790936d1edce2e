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

/** One message for people about all requests since the last one. */
export function ntfyMessage(
  to: { readonly url: string; readonly page: string | null },
  requests: readonly { readonly id: string; readonly username: string }[],
): Message {
  const names = requests.slice(0, notificationNamesMax).map(({ username }) => username);
  const more = requests.length - names.length;
  const subject = names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const one = requests.length === 1;
  return {
    id: requests.at(-1)?.id ?? '',
    event: 'request.pending',
    subject,
    url: to.url,
    body: `${subject} ${one ? 'waits' : 'wait'} for a decision.`,
    headers: () => ({
      'Content-Type': 'text/plain; charset=utf-8',
      Title: one ? 'A device asks for access' : `${requests.length} devices ask for access`,
      Tags: 'bell',
      ...(to.page === null ? {} : { Click: to.page }),
    }),
  };
}
