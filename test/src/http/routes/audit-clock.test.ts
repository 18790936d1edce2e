/** Looking back over a clock that went back: a moment is a place in the log, and spans are made of such moments. */
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const RealDate = Date;
let offsetMs = 0;

/** The clock of this process, and so of the service in it, moved by `offsetMs`. */
class MovedDate extends RealDate {
  constructor(...given: [] | [string | number | Date]) {
    super(...((given.length === 0 ? [RealDate.now() + offsetMs] : given) as [number]));
  }
  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

interface Row {
  readonly username: string;
  readonly intended: { readonly from: string; readonly to: string | null };
  readonly effective: { readonly from: string; readonly to: string | null } | null;
}

const test = suite<{ gatebook: Running }>('http audit clock');
test.before(async (world) => {
  world.gatebook = await running();
  globalThis.Date = MovedDate as DateConstructor;
});
test.after(async ({ gatebook }) => {
  globalThis.Date = RealDate;
  await gatebook.stop();
});

test('a revocation by a clock that went back ends the access after it began', async ({
  gatebook,
}) => {
  const { must } = gatebook;
  await must(201, 'POST', '/api/users', {
    username: 'press-1',
    password: strongPassword(),
    permissions: [{ context: 'mqtt', operation: 'read', resource: 'a' }],
  });
  const granted = new Date().toISOString();
  offsetMs = -3_600_000;
  await must(200, 'POST', '/api/users/press-1/revoke');
  offsetMs = 60_000;
  await must(201, 'POST', '/api/users', { username: 'press-2', password: strongPassword() });

  const { body: log } = await must(200, 'GET', '/api/audit/events?order=asc&limit=1000');
  const ats: string[] = log.items.map(({ at }: { at: string }) => at);
  const newest = ats.map(
    (_, index) =>
      ats
        .slice(0, index + 1)
        .sort()
        .at(-1) as string,
  );
  const created = log.items.findIndex(({ username }: Row) => username === 'press-1');
  const revoked = log.items.findIndex(({ type }: { type: string }) => type === 'AccessRevoked');
  assert.ok((ats[revoked] ?? '') < (ats[created] ?? ''), 'the clock went back');

  // The moment before the event from which the revocation counts.
  const before = new Date(RealDate.parse(newest[created] as string)).toISOString();
  const { body } = await must(200, 'GET', `/api/audit/access?topic=a&at=${before}`);
  const [row]: Row[] = body.items.filter(({ username }: Row) => username === 'press-1');
  assert.equal(row?.intended, { from: newest[created], to: newest[revoked] });
  assert.ok((row?.intended.to ?? '') >= (row?.intended.from ?? ''));
  assert.ok((newest[revoked] as string) <= granted);
});

test.run();
