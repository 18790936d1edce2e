/** Makes docs/page.png anew: the page with some who wait, as README shows it. `npm run picture [FILE]` */
import { openDesk } from './support/browser.ts';

const [file = 'docs/page.png'] = process.argv.slice(2);
const desk = await openDesk();
const { call } = desk.world;
const permission = {
  context: 'mqtt',
  resource: 'plant/$' + '{username}/#',
  operation: 'readWrite',
};
for (const name of ['press', 'edge-agent'])
  await call('PUT', `/api/roles/${name}`, { body: { permissions: [permission] } });
await desk.unlock({ durationMs: 229_000, maxRequests: 20, note: 'line 4, new presses' });
const context = (serial: string) => ({ context: { line: '4', model: 'HP-200', serial } });
const { body } = await desk.ask('press-3', { pairingId: '11aa00' });
await call('POST', `/api/client-registry/requests/${body.requestId}/grant`, {
  body: { roles: ['press'] },
});
await desk.ask('press-21', { pairingId: '9f044e', requestedRoles: ['press'], ...context('20421') });
await desk.ask('press-21');
await desk.ask('press-3', { pairingId: '00ff00', ...context('20403') });
await desk.ask('conveyor-b2', { pairingId: 'c480fa', context: { line: '5' } });
await desk.ask('edge-line4', {
  ...{ pairingId: '7e0d15', context: { line: '4', host: 'edge-4' } },
  requestedRoles: ['edge-agent', 'administrator'],
});
await desk.ask('press-17', { pairingId: 'a1b2c3', requestedRoles: ['press'], ...context('20417') });
const page = await desk.signedIn({
  viewport: { width: 1_200, height: 860 },
  ...{ colorScheme: 'light', reducedMotion: 'reduce' },
});
await page.getByText('5 wait for a decision').waitFor();
await page.locator('.chart svg[role=img]').waitFor();
await page.screenshot({ path: file });
await desk.stop();
