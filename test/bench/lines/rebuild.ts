/** Rows made anew from a long log, how large they are, and how long a start with many clients takes. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { filledFolder } from '../folders.ts';
import { type Contestant, figureAtMost, type Line, ratioAtLeast } from '../line.ts';
import { ran } from '../processes.ts';
import { serve } from '../served.ts';

/** As `gatebook rebuild --json` prints it: the embedded log's position is the number of its events. */
interface Rebuilt {
  readonly position: string;
}

export const rebuild: Line = {
  name: 'rebuild',
  title: 'Rebuild of all rows, events',
  goals: [ratioAtLeast(5, 'before'), figureAtMost('rowsByLog', 2.5)],
  rounds: 3,
  async contestants(context) {
    const count = context.quick ? 20_000 : 1_000_000;
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const folder = await filledFolder(checkout, 'stories', count);
      const program = join(checkout.dir, 'bin/gatebook.js');
      const size = (file: string) => statSync(join(folder, file)).size;
      ours.push({
        name: checkout.name,
        ours: true,
        async round() {
          const { code, stdout, stderr, seconds, peakBytes } = await ran(
            program,
            ['rebuild', '--json'],
            { GATEBOOK_DATA_DIR: folder },
          );
          if (code !== 0) throw new Error(stderr);
          const events = Number((JSON.parse(stdout) as Rebuilt).position);
          const rowsByLog = size('read-models.sqlite') / size('log.sqlite');
          const megabytes = (bytes: number) => bytes / 1024 / 1024;
          const figures = {
            ...{ rowsByLog, rowsMb: megabytes(size('read-models.sqlite')) },
            ...{ logMb: megabytes(size('log.sqlite')), peakMb: megabytes(peakBytes) },
          };
          return { perSecond: events / seconds, figures };
        },
      });
    }
    return ours;
  },
};

export const start: Line = {
  name: 'start',
  title: 'Start with 1,000,000 clients',
  goals: [figureAtMost('moreSeconds', 1), figureAtMost('moreMb', 200)],
  rounds: 5,
  async contestants(context) {
    const count = context.quick ? 10_000 : 1_000_000;
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const [full, empty] = [
        await filledFolder(checkout, 'clients', count),
        await filledFolder(checkout, 'clients', 1),
      ];
      const started = async (dataDir: string) => {
        const served = await serve(checkout, { dataDir });
        const result = { seconds: served.startSeconds, mb: served.resident() / 1024 / 1024 };
        await served.stop();
        return result;
      };
      ours.push({
        name: checkout.name,
        ours: true,
        async round() {
          const [none, many] = [await started(empty), await started(full)];
          return {
            figures: {
              ...{ moreSeconds: many.seconds - none.seconds, moreMb: many.mb - none.mb },
              ...{ seconds: many.seconds, residentMb: many.mb },
            },
          };
        },
      });
    }
    return ours;
  },
};
