/** For auditors: `export` writes every event to a file, and goes on where that file ends. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Event } from '../../api/output.ts';
import { linesOf } from '../../audit/transparency-log/ndjson.ts';
import type { List } from '../client/lists.ts';
import { requirePersonalData } from '../client/personal-data.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { progressOf } from '../terminal/progress.ts';
import { countText } from '../text/format.ts';
import { countOf } from '../text/parse.ts';

const eventsMax = 999_999_999;
const newline = 0x0a;

/** What a file has of an export already. */
interface FileState {
  readonly lines: number;
  /** The last whole line, without its end; null: there is none. */
  readonly last: Buffer | null;
  /** Bytes of whole lines. */
  readonly whole: number;
  /** What stands behind them: the beginning of a line. */
  readonly rest: Buffer;
}

async function readFileState(file: string): Promise<FileState> {
  const isThere = await stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  let lines = 0;
  let whole = 0;
  let last: Buffer | null = null;
  let rest = Buffer.alloc(0);
  if (isThere)
    for await (const { bytes, isWhole } of linesOf(file)) {
      if (!isWhole) {
        rest = Buffer.from(bytes);
        break;
      }
      lines += 1;
      whole += bytes.length + 1;
      last = bytes;
    }
  return { lines, last, whole, rest };
}

/**
 * The stream from the end of the file's whole lines on. What the file has before and behind that is held
 * against it first. @throws CommandFailed where it differs: nothing was given out
 */
async function* continuation(
  stream: AsyncIterable<Uint8Array>,
  { last, rest }: FileState,
  mismatch: () => CommandFailed,
): AsyncGenerator<Uint8Array, void, void> {
  const known = Buffer.concat([...(last === null ? [] : [last, Buffer.from([newline])]), rest]);
  let begun = Buffer.alloc(0);
  let isKnown = known.length === 0;
  for await (const chunk of stream) {
    if (isKnown) {
      yield chunk;
      continue;
    }
    begun = Buffer.concat([begun, chunk]);
    const length = Math.min(begun.length, known.length);
    if (!begun.subarray(0, length).equals(known.subarray(0, length))) throw mismatch();
    if (begun.length < known.length) continue;
    isKnown = true;
    yield begun.subarray(known.length - rest.length);
  }
  if (!isKnown) throw mismatch();
  // An empty export is a file, too.
  yield new Uint8Array();
}

const lineCountOf = (chunk: Uint8Array): number => {
  let count = 0;
  for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) count += 1;
  return count;
};

/** What happens behind the first event is not that the registry cannot be reached. */
const brokenOff = ({ exitCode }: CommandFailed, size: number, file: string) =>
  new CommandFailed(exitCode, `The export broke off; ${file} holds ${countText(size, 'event')}.`, [
    'The same command goes on there. Where it breaks off there again, the log of the service says why.',
  ]);

/** How many events there are; null where somebody may export, and not look: then nobody knows how long it takes. */
async function sizeOfLog(registry: Registry): Promise<number | null> {
  try {
    const { body } = await registry.get<List<Event>>('/audit/events', { limit: 1 });
    const [newest] = body.items;
    return newest === undefined ? 0 : newest.index + 1;
  } catch (error) {
    if (error instanceof ProblemAnswered) return null;
    throw error;
  }
}

/** Writes what is missing in the file; gives back where it began, and how many events were written. */
async function exportInto(call: Call, registry: Registry, file: string, first: number) {
  const fileState = await readFileState(file);
  const from = first + fileState.lines;
  const start = from - (fileState.last === null ? 0 : 1);
  const mismatch = () =>
    new CommandFailed(
      exitCodes.failed,
      `${file} does not end with event ${start.toLocaleString('en')} of this log: nothing was written.`,
      [
        'Is it another file, of another log, or begun with another --from? Name a new one.',
        'What is wrong with an export of this log, gatebook verify tells.',
      ],
    );
  const total = await sizeOfLog(registry);
  const progress = progressOf(call, 'Exporting', total && Math.max(0, total - from));
  let events = 0;
  let out: FileHandle | undefined;
  try {
    const stream = registry.stream('/api/audit/export', { from: start });
    for await (const chunk of continuation(stream, fileState, mismatch)) {
      if (out === undefined) {
        out = await open(file, 'a', 0o600);
        await out.truncate(fileState.whole);
      }
      await out.appendFile(chunk);
      events += lineCountOf(chunk);
      progress(events);
    }
  } catch (error) {
    // The log has fewer events than the file has lines.
    if (fileState.lines > 0 && error instanceof ProblemAnswered && error.problem.status === 400)
      throw mismatch();
    if (error instanceof CommandFailed && error.exitCode === exitCodes.unreachable && out)
      throw brokenOff(error, from + events, file);
    throw error;
  } finally {
    await out?.close();
    call.terminal.progress('');
  }
  return { from, events };
}

const personalTypes = ['RegistrationRequested', 'ReplacementRequested', 'RegistrationContested'];
/** A line for each event with personal fields, opened; the registry opens them for who may see them. */
async function exportPersonal(call: Call, registry: Registry, file: string): Promise<number> {
  let count = 0;
  await using out = await open(file, 'w', 0o600);
  for (const type of personalTypes) {
    let cursor: string | null = null;
    do {
      const { body }: { body: List<Event> } = await registry.get<List<Event>>('/audit/events', {
        ...{ type, order: 'asc', limit: 1_000, cursor },
      });
      for (const { index, eventId, username, data } of body.items) {
        const { source = null, clientId = null, context = null } = data;
        const line = { index, eventId, username, source, clientId, context };
        await out.appendFile(`${JSON.stringify(line)}\n`);
        count += 1;
      }
      cursor = body.nextCursor;
      call.terminal.progress(`Opening personal fields  ${countText(count, 'event')}`);
    } while (cursor !== null);
  }
  call.terminal.progress('');
  return count;
}

async function runExport(call: Call): Promise<number> {
  const file = call.text('out');
  if (file === null) throw usageFault('--out is missing.', ['gatebook export --out log.ndjson']);
  const personal = call.text('with-personal-data');
  if (personal !== null && resolve(personal) === resolve(file))
    throw usageFault('--out and --with-personal-data are two files, each with its own name.');
  const first = call.read('from', (text) => countOf(text, 0, eventsMax)) ?? 0;
  const registry = await signedIn(call);
  if (personal !== null)
    await requirePersonalData(
      registry,
      '--with-personal-data',
      'Without it the export holds the same events, with these fields sealed.',
    );
  const { from, events } = await exportInto(call, registry, file, first).catch((error) =>
    fileFault(error, file),
  );
  const opened =
    personal === null
      ? null
      : await exportPersonal(call, registry, personal).catch((error) => fileFault(error, personal));
  if (call.json) {
    const result = { from, events, size: from + events, openedFields: opened };
    call.terminal.json(JSON.stringify(result));
    return exitCodes.done;
  }
  call.terminal.line(
    `Exported ${countText(events, 'event')} to ${file}${from > 0 ? `, from event ${from.toLocaleString('en')} on` : ''}.`,
  );
  if (personal !== null)
    call.terminal.line(
      `Opened the personal fields of ${countText(opened ?? 0, 'event')} into ${personal}.`,
    );
  call.terminal.line({
    text: 'Keep a checkpoint and the key with it: gatebook checkpoint; gatebook checkpoint --public-key',
    style: 'faint',
  });
  return exitCodes.done;
}

export const exportCommand: Command = {
  name: 'export',
  summary: 'write every event to a file; again: goes on where it stopped',
  positionals: '',
  options: {
    out: { value: 'FILE', help: 'where to (mode 0600); what is there is kept and continued' },
    from: { value: 'N', help: 'the file begins at event N, counted from 0 (default 0)' },
    'with-personal-data': {
      value: 'FILE',
      help: 'open personal fields into a second file, for those who may read them',
    },
  },
  notes: [
    'Personal fields stay sealed in the export. No secret is in it.',
    'Only what begins at event 0 can be verified.',
  ],
  examples: ['gatebook export --out log.ndjson'],
  run: runExport,
};
