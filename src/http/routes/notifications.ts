/** Notifications that could not be delivered, for people to look at. */
import { z } from 'zod';
import { listOf, named } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { ok, type Route, route } from '../route.ts';

const DeadLetter = named(
  'DeadLetter',
  z.strictObject({
    messageId: z.string(),
    target: z.enum(['webhook', 'ntfy']),
    event: z.string(),
    subject: z.string().describe('Whom it was about.'),
    at: z.string(),
    attemptCount: z.int().min(1),
    detail: z.string().describe('Why the last attempt failed.'),
  }),
);
const DeadLetterList = listOf('DeadLetterList', DeadLetter);

export const notificationRoutes = (app: App): Route[] => [
  route({
    method: 'GET',
    path: '/api/notifications/dead-letters',
    group: 'Events',
    operationId: 'listDeadLetters',
    summary: 'Notifications that could not be delivered',
    description: 'Kept in number, the newest ones; each was tried several times.',
    access: 'permitted',
    answers: { 200: { description: 'Newest first.', body: DeadLetterList } },
    handle: () => ok({ items: [...app.deadLetters()], nextCursor: null }),
  }),
];
