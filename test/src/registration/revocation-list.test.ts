/** The list of revoked certificates is signed anew for each change, however long after the one before. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CertificatesRow } from '../../../projections/certificates.ts';
import { openAuthority } from '../../../src/credentials/certificates/authority.ts';
import type { Rows } from '../../../src/read-models/row-table.ts';
import { createRevocationList } from '../../../src/registration/revocation-list.ts';
import { runProgram } from '../../support/program.ts';

const test = suite<{ folder: string }>('revocation list');
test.before(async (here) => {
  here.folder = await mkdtemp(join(tmpdir(), 'gatebook-crl-'));
});
test.after(({ folder }) => rm(folder, { recursive: true }));

/** Serials of a list, as openssl reads them. */
async function serialsIn(folder: string, der: Buffer): Promise<string[]> {
  const file = join(folder, 'list.crl');
  await writeFile(file, der);
  const { code, output } = await runProgram('openssl', [
    ...['crl', '-inform', 'DER', '-in', file, '-noout', '-text'],
  ]);
  assert.is(code, 0, output);
  return [...output.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial = '']) =>
    serial.toLowerCase(),
  );
}

test('change after change, seconds apart and at once', async ({ folder }) => {
  let nowMs = Date.parse('2026-06-01T12:00:00.000Z');
  const now = () => new Date(nowMs).toISOString();
  const ca = await openAuthority({ keysDir: folder, given: null, now });
  assert.instance(ca.root, X509Certificate);
  let listed: string[] = [];
  const row = (serial: string) => ({
    certificates: [{ serial, notAfter: '2027-01-01T00:00:00.000Z', revokedAt: now() }],
    heldAt: null,
  });
  const certificates = {
    find: () => ({ items: listed.map(row), nextCursor: null }),
  } as unknown as Rows<CertificatesRow>;
  let tell: (events: readonly { type: string }[]) => void = () => undefined;
  let position = 0;
  const list = createRevocationList({
    ...{ rows: { certificates }, ca, now },
    position: () => String(position),
    onApplied: (listener) => {
      tell = listener;
    },
  });
  const change = (serials: string[]) => {
    listed = serials;
    position += 1;
    tell([{ type: 'AccessRevoked' }]);
  };
  assert.equal(await serialsIn(folder, await list.current()), []);
  const [one, two, three] = ['4a'.repeat(16), '4b'.repeat(16), '4c'.repeat(16)] as const;
  for (const serials of [[one], [one, two], [two], [two, three]]) {
    nowMs += 5_000;
    change(serials);
    assert.equal(await serialsIn(folder, await list.current()), serials);
  }
  // Within the second that one signature stands for: who asks meanwhile waits for the next.
  change([three]);
  const asked = await Promise.all([list.current(), list.current()]);
  assert.ok(asked[0].equals(asked[1]));
  assert.equal(await serialsIn(folder, asked[0]), [three]);
  nowMs += 5_000;
  change([]);
  assert.equal(await serialsIn(folder, await list.current()), []);
});

test.run();
