/** A backup of everything, as a stream. */
import { Readable } from 'node:stream';
import { TakeBackup } from '../../api/input.ts';
import type { App } from '../../app.ts';
import { Refused } from '../../commands/refused.ts';
import { backupStalledMs } from '../../limits/http.ts';
import { commandContext } from '../request/command-context.ts';
import { Problem } from '../response/problem.ts';
import { type Route, route } from '../route.ts';

type BackupApp = Pick<App, 'administration' | 'backups' | 'logger' | 'views'>;

/** Each portion is given to who may have it then; who takes none for long holds nothing up. @throws what `authorize` throws */
async function* portionsFor(
  authorize: () => unknown,
  portions: AsyncIterable<Buffer>,
  stalled: () => void,
) {
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const portion of portions) {
      authorize();
      timer = setTimeout(stalled, backupStalledMs);
      yield portion;
      clearTimeout(timer);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** @throws Problem `transport-insecure`, Refused `rights-exceed-own` */
function requireFit(
  { views }: BackupApp,
  { isConfidential, withKeys }: { isConfidential: boolean; withKeys: boolean },
): void {
  if (!isConfidential) throw new Problem('transport-insecure');
  // Who has the keys makes tokens for everybody, and needs nobody's approval any more.
  if (withKeys && views.approvalsNeeded() > 1)
    throw new Refused('rights-exceed-own', {
      detail:
        'Where decisions need several people, no one person is given the keys: send "withoutKeys": true, and copy the key folder on the machine itself.',
    });
}

export const backupRoutes = (app: BackupApp): Route[] => [
  route({
    method: 'POST',
    path: '/api/backup',
    group: 'Service',
    operationId: 'takeBackup',
    summary: 'Everything in one file: log, vault, checkpoints and keys',
    description:
      'Over TLS, or from this machine itself. Taken while the service runs, consistent in itself, streamed; a file whose end is missing is refused by "gatebook restore". It opens every personal field, and with the keys in it makes tokens for everybody: keep it as you keep the keys. The history tells who took it. One at a time.',
    access: 'permitted',
    body: TakeBackup,
    answers: {
      200: {
        ...{ description: 'The backup.', type: 'application/octet-stream' },
        headers: { 'Content-Disposition': 'A name for the file, with the day.' },
      },
    },
    problems: ['transport-insecure', 'rights-exceed-own', 'backup-running'],
    async handle(request) {
      const withKeys = request.body.withoutKeys !== true;
      requireFit(app, { isConfidential: request.isConfidential, withKeys });
      if (app.backups.isTaking()) throw new Problem('backup-running');
      const begun = await app.administration.takeBackup(commandContext(request), { withKeys });
      const taken = app.backups.begin({ ...begun, withKeys });
      if (taken === null) throw new Problem('backup-running');
      const { authorize, signal } = request;
      const stream: Readable = Readable.from(
        portionsFor(authorize, taken.bytes, () =>
          stream.destroy(new Error('its reader took nothing for too long')),
        ),
        { objectMode: false, highWaterMark: 1, signal },
      );
      const { backupId } = begun;
      stream.once('close', () => {
        void taken.end();
        app.logger.info('A backup has ended', { backupId, isWhole: stream.readableEnded });
      });
      stream.on('error', (error) => {
        if (!signal.aborted) app.logger.error('A backup broke off', { error, backupId });
      });
      return {
        status: 200,
        body: stream,
        type: 'application/octet-stream',
        position: begun.position,
        headers: {
          'Content-Disposition': `attachment; filename="gatebook-${begun.takenAt.slice(0, 10)}.backup"`,
        },
      };
    },
  }),
];
