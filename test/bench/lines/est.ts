/** EST: granted clients fetch their certificates over TLS, each signed and in the log before it is told. */
import { createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { overHttp } from '../../../src/bench/generators.ts';
import { timed } from '../../../src/bench/sample.ts';
import { csrDer, keyPairs } from '../../support/csr.ts';
import type { Contestant, Context, Goal, Line } from '../line.ts';
import { type Checkout, type Served, serve } from '../served.ts';
import { echoes } from './register.ts';

const connections = 64;
const path = '/.well-known/est/simpleenroll';
const grantedAtOnce = 1_000;
const countOf = ({ quick }: Context) => (quick ? 500 : 2_000);

/** Requests of new clients, one key for all: what a key costs is not measured. */
async function csrsOf(served: Served, round: number, count: number): Promise<string> {
  const keys = keyPairs.p256();
  const csrs = Array.from({ length: count }, (_, n) =>
    csrDer({ username: `press-${round}-${n}`, ...keys }).toString('base64'),
  );
  const file = join(served.dataDir, `bench-csrs-${round}`);
  await writeFile(file, `${csrs.join('\n')}\n`);
  return file;
}

async function grantAll(served: Served, count: number): Promise<void> {
  for (let left = count; left > 0; left -= grantedAtOnce) {
    const { items } = (await served.get(
      `/api/client-registry/requests?status=pending&limit=${grantedAtOnce}`,
    )) as { items: { requestId: string }[] };
    const ids = items.map(({ requestId }) => requestId);
    await served.post('/api/client-registry/requests/grant', { ids });
  }
}

async function enrolling(context: Context, checkout: Checkout): Promise<Contestant> {
  const served = await serve(checkout);
  context.atEnd(served.stop);
  await served.post('/api/client-registry/unlock', {
    ...{ maxRequests: 1_000_000, durationMs: 86_400_000 },
  });
  const count = countOf(context);
  return {
    name: checkout.name,
    ours: true,
    async round(number) {
      const load = {
        ...{ url: served.https, path, method: 'POST', body: '{v}', count, connections },
        headers: ['Content-Type: application/pkcs10'],
        valuesFile: await csrsOf(served, number, count),
      };
      await overHttp(load, 202);
      await grantAll(served, count);
      return await overHttp(load, 200);
    },
  };
}

/** What any CA does for each answer: it checks a signature, and makes one. */
function signatures(count: number): Contestant {
  const { privateKey, publicKey } = keyPairs.p256();
  const content = randomBytes(400);
  const signature = sign('sha256', content, privateKey);
  const info = publicKey.export({ type: 'spki', format: 'der' });
  return {
    name: 'verify, sign',
    ours: false,
    round: () =>
      timed(count, connections, async () => {
        const key = createPublicKey({ key: info, format: 'der', type: 'spki' });
        if (!verify('sha256', content, key, signature)) throw new Error('not verified');
        sign('sha256', content, privateKey);
      }),
  };
}

const aSecond = (least: number): Goal => ({
  text: `≥ ${least} a second`,
  met: ({ ours }) => (ours.perSecond === undefined ? null : ours.perSecond >= least),
});

export const est: Line = {
  name: 'est',
  title: 'EST, certificates issued',
  goals: [aSecond(500)],
  async contestants(context) {
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) ours.push(await enrolling(context, checkout));
    return [await echoes(context, countOf(context)), signatures(countOf(context)), ...ours];
  },
};
