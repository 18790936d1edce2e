/** The keys that sign tokens. */

import { RotateKeys } from '../../api/input.ts';
import { Keys } from '../../api/service.ts';
import type { App } from '../../app.ts';
import { commandContext } from '../request/command-context.ts';
import { done, type Route, route } from '../route.ts';

const group = 'Tokens';

export const keyRoutes = ({ administration, views }: App): Route[] => [
  route({
    method: 'POST',
    path: '/api/keys/rotate',
    group,
    operationId: 'rotateKeys',
    summary: 'Sign with a new key; the old one is still checked for a while',
    description:
      'With retireNow every older key ends at once, and every token is revoked, the one that was sent too: for a key that was stolen.',
    access: 'permitted',
    body: RotateKeys,
    answers: { 200: { description: 'The public keys as they are now.', body: Keys } },
    handle: async (request) =>
      done(
        await administration.rotateKeys(commandContext(request), request.body),
        views.publicKeys(),
      ),
  }),
];
