/** What the installation can show of itself, for who audits it. */
import { Evidence } from '../../api/evidence.ts';
import type { App } from '../../app.ts';
import { ok, type Route, route } from '../route.ts';

export const evidenceRoutes = ({ evidence }: Pick<App, 'evidence'>): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/evidence',
    group: 'Audit',
    operationId: 'evidence',
    summary: 'What this installation can show of itself at this moment, by IEC 62443-4-2',
    description:
      'Settings that matter, who may what, the log and its checkpoint, backups, erasures, certificates, versions, and ' +
      'what gatebook doctor finds. No secret is in it. Every account is looked at: it may take a second.',
    access: 'permitted',
    answers: { 200: { description: 'Item by item.', body: Evidence } },
    handle: async () => ok(await evidence()),
  }),
];
