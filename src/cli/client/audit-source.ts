/** Where a look back is answered from: the registry, or an export of its log that nobody else has a say in. */
import type { ExportedPast } from '../../audit/time-travel/from-export.ts';
import { LineTooLong, linesOf } from '../../audit/transparency-log/ndjson.ts';
import {
  type Call,
  CommandFailed,
  type CommandOptions,
  exitCodes,
  usageFault,
} from '../command.ts';
import { fileFault } from '../fault.ts';
import { progressOf } from '../terminal/progress.ts';
import type { QueryParameters, Registry } from './registry-client.ts';
import { signedIn } from './sign-in.ts';

export type AuditSource = Pick<Registry, 'get'>;

export const exportOption: CommandOptions = {
  export: { value: 'FILE', help: 'answer from an export (gatebook export), without the registry' },
};

const limitDefault = 100;

/** The same answers as the paths of the REST API give, but for personal fields, which are sealed in an export. */
async function answered(past: ExportedPast, path: string, query: QueryParameters) {
  const text = (name: string) => (query[name] == null ? undefined : String(query[name]));
  const [at = '', username] = [text('at'), text('username')];
  const page = { limit: Number(query.limit ?? limitDefault), cursor: text('cursor') };
  if (path === '/audit/events')
    return await past.events({ ...page, username, order: query.order === 'asc' ? 'asc' : 'desc' });
  if (path === '/audit/access')
    return past.accessAt(at, { ...page, topic: text('topic'), username });
  if (path === '/audit/state')
    return username === undefined ? past.registryAt(at) : await past.clientAt(username, at);
  return await past.explain(decodeURIComponent(path.slice('/audit/explain/'.length)));
}

const sourceOf = (past: ExportedPast): AuditSource => ({
  async get<Body>(path: string, query: QueryParameters = {}) {
    const body = await answered(past, path, query);
    if (body === undefined)
      throw new CommandFailed(
        exitCodes.refused,
        'Nobody of this name was known then, as far as this export tells.',
      );
    return { body: body as Body, text: JSON.stringify(body) };
  },
});

/**
 * Asks the registry, or with `--export` the file alone.
 * @param until with an export: only what had happened by then is known
 */
export async function withAuditSource(
  call: Call,
  work: (source: AuditSource) => Promise<number>,
  until: string | null = null,
): Promise<number> {
  const file = call.text('export');
  if (file === null) return await work(await signedIn(call));
  // Projections and SQLite: loaded by who looks into a file alone.
  const { NotAnswerable, openExport } = await import('../../audit/time-travel/from-export.ts');
  try {
    const past = await openExport({
      ...{ lines: linesOf(file), until, now: () => call.now().toISOString() },
      onProgress: progressOf(call, 'Reading'),
    });
    call.terminal.progress('');
    return await work(sourceOf(past)).finally(past.close);
  } catch (error) {
    if (error instanceof NotAnswerable || error instanceof LineTooLong)
      throw usageFault(`${file}: ${error.message}`, [
        'What differs from a checkpoint says: gatebook verify',
      ]);
    if (error instanceof CommandFailed) throw error;
    return fileFault(error, file);
  }
}
