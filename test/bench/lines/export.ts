/** The whole log for an auditor, and its verification, beside gzip of the same bytes. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { adminPassword } from '../../../src/bench/measured-registry.ts';
import { filledFolder } from '../folders.ts';
import type { Contestant, Line } from '../line.ts';
import { type Ran, ran } from '../processes.ts';
import { type Checkout, type Served, serve } from '../served.ts';

const run = promisify(execFile);
const megabytes = (bytes: number) => bytes / 1024 / 1024;

async function told(program: string, args: readonly string[], url: string): Promise<Ran> {
  const result = await ran(program, args, {
    ...{ GATEBOOK_URL: url, GATEBOOK_USERNAME: 'admin', GATEBOOK_PASSWORD: adminPassword },
  });
  if (result.code !== 0) throw new Error(`${args[0]}: ${result.stdout}${result.stderr}`);
  return result;
}

async function exported({ dir }: Checkout, served: Served, out: string) {
  const program = join(dir, 'bin/gatebook.js');
  await rm(out, { force: true });
  const { seconds, peakBytes } = await told(program, ['export', '--out', out], served.http);
  return { seconds, peakMb: megabytes(peakBytes) };
}

export const exporting: Line = {
  name: 'export',
  title: 'Export of 1,000,000 events',
  goals: [],
  rounds: 3,
  async contestants(context) {
    const count = context.quick ? 20_000 : 1_000_000;
    const contestants: Contestant[] = [];
    let file = '';
    for (const checkout of context.checkouts) {
      const dataDir = await filledFolder(checkout, 'stories', count);
      const served = await serve(checkout, { dataDir });
      context.atEnd(served.stop);
      const out = join(dataDir, 'bench-export.ndjson');
      file = out;
      const program = join(checkout.dir, 'bin/gatebook.js');
      contestants.push({
        name: checkout.name,
        ours: true,
        async round() {
          const { seconds, peakMb } = await exported(checkout, served, out);
          const checkpoints = join(dataDir, 'checkpoints.txt');
          const key = join(dataDir, 'bench-checkpoint-key.txt');
          const answer = await fetch(`${served.http}/.well-known/checkpoint-key`);
          await writeFile(key, await answer.text());
          const verify = ['verify', out, '--checkpoint', checkpoints, '--key', key];
          const verified = await told(program, verify, served.http);
          const figures = {
            ...{ exportPeakMb: peakMb, verifyPeakMb: megabytes(verified.peakBytes) },
            ...{
              verifiedASecond: count / verified.seconds,
              serviceMb: megabytes(served.resident()),
            },
            fileMb: megabytes(statSync(out).size),
          };
          return { perSecond: count / seconds, figures };
        },
      });
    }
    // After ours: it takes the file that they wrote.
    contestants.push({
      name: 'gzip of the same bytes',
      ours: false,
      async round() {
        const beganMs = performance.now();
        await run('sh', ['-c', 'gzip -c "$1" > /dev/null', 'gzip', file]);
        return { perSecond: count / ((performance.now() - beganMs) / 1_000) };
      },
    });
    return contestants;
  },
};
