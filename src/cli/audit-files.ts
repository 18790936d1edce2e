/** For auditors: `checkpoint`, `export` and `verify`, which work with files that need no registry. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { checkpointsIn, type NotedCheckpoint } from '../audit/checkpoint.ts';
import { linesOf } from '../audit/ndjson.ts';
import { isSignedBy, MalformedNote, type Verifier, verifierOf } from '../audit/signed-note.ts';
import { type EventDifference, type Verdict, verifyExport } from '../audit/verify.ts';
import type { Event } from '../http/shapes.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from './command.ts';
import type { List } from './listing.ts';
import type { Registry } from './registry.ts';
import { signedIn } from './sign-in.ts';
import { countOf, countText } from './words.ts';

const progressEveryMs = 200;
const eventsMax = 999_999_999;

/** Says now and then how many events are done; on a terminal only. */
function progressOf({ terminal }: Call, verb: string): (done: number) => void {
  const startedMs = performance.now();
  let shownMs = startedMs;
  return (done) => {
    const nowMs = performance.now();
    if (nowMs - shownMs < progressEveryMs) return;
    shownMs = nowMs;
    const perSecond = Math.round((done * 1_000) / (nowMs - startedMs));
    terminal.progress(`${verb}  ${countText(done, 'event')}  ${perSecond.toLocaleString('en')}/s`);
  };
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

async function runCheckpoint(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const path = call.has('public-key') ? '/.well-known/checkpoint-key' : '/api/audit/checkpoint';
  const text = await textOf(registry.stream(path));
  for (const line of text.replace(/\n$/, '').split('\n')) call.terminal.line(line);
  return exitCodes.done;
}

const lineCountOf = (chunk: Uint8Array): number => {
  let count = 0;
  for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) count += 1;
  return count;
};

/** How many whole lines a file has already; what is behind the last one is taken off. */
async function resumedAt(file: string): Promise<number> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return { size: 0 };
    throw error;
  });
  if (size === 0) return 0;
  let lines = 0;
  let whole = 0;
  for await (const { bytes, isWhole } of linesOf(file)) {
    if (!isWhole) continue;
    lines += 1;
    whole += bytes.length + 1;
  }
  if (whole < size) await truncate(file, whole);
  return lines;
}

async function runExport(call: Call): Promise<number> {
  const file = call.text('out');
  if (file === null) throw usageFault('--out is missing.', ['gatebook export --out log.ndjson']);
  const given = call.read('from', (text) => countOf(text, 0, eventsMax));
  if (given !== null && (await stat(file).catch(() => null)) !== null)
    throw usageFault(`${file} is there already, and --from begins a new file.`, [
      'Without --from the export goes on where that file ends.',
    ]);
  const from = given ?? (await resumedAt(file));
  const registry = await signedIn(call);
  const progress = progressOf(call, 'Exporting');
  let written = 0;
  const out = createWriteStream(file, { flags: 'a', mode: 0o600 });
  try {
    for await (const chunk of registry.stream('/api/audit/export', { from })) {
      written += lineCountOf(chunk);
      if (!out.write(chunk)) await once(out, 'drain');
      progress(written);
    }
  } finally {
    await new Promise<void>((resolve, reject) => {
      out.on('error', reject);
      out.end(resolve);
    });
    call.terminal.progress('');
  }
  const personal = call.text('with-personal-data');
  const opened = personal === null ? null : await exportPersonal(call, registry, personal);
  const result = { from, events: written, size: from + written, openedFields: opened };
  if (call.json) call.terminal.json(JSON.stringify(result));
  else {
    call.terminal.line(
      `Exported ${countText(written, 'event')} to ${file}${from > 0 ? `, from event ${from.toLocaleString('en')} on` : ''}.`,
    );
    if (personal !== null)
      call.terminal.line(
        `Opened the personal fields of ${countText(opened ?? 0, 'event')} into ${personal}.`,
      );
    call.terminal.line({
      text: 'Keep a checkpoint and the key with it: gatebook checkpoint; gatebook checkpoint --public-key',
      style: 'faint',
    });
  }
  return exitCodes.done;
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

/** A verifier key, as text or in a file. */
async function keyGiven(given: string): Promise<Verifier> {
  return verifierOf(/\+[0-9a-f]{8}\+/.test(given) ? given : await readFile(given, 'utf8'));
}

async function signedCheckpoints(files: readonly string[], key: Verifier) {
  const all: NotedCheckpoint[] = [];
  for (const file of files) all.push(...checkpointsIn(await readFile(file, 'utf8')));
  for (const { size, origin, note } of all)
    if (origin !== key.name || !isSignedBy(note, key))
      throw new CommandFailed(
        exitCodes.failed,
        `The checkpoint of ${countText(size, 'event')} is not signed by this key.`,
        ['It proves nothing. Is it the key of this registry, and the file as it was given out?'],
      );
  return all;
}

const numbered = (index: number) => index.toLocaleString('en');

const eventWords: Readonly<Record<EventDifference['kind'], string>> = {
  changed: 'is not what it was',
  missing: 'is missing',
  inserted: 'has another one in its place, which was inserted',
  swapped: 'and the one after it have changed places',
};

/** What was found, a line each, the worst first. */
export function verdictLines(verdict: Verdict): string[] {
  const { size, fitting, misfit, cutOff, brokenLine, event, untouched } = verdict;
  const newest = fitting.at(-1) ?? 0;
  const fits = `${countText(fitting.length, 'checkpoint fits', 'checkpoints fit')}`;
  if (untouched)
    return [
      `Whole and untouched: ${countText(size, 'event')}, ${fits}.`,
      ...(size > newest
        ? [
            `Events from ${numbered(newest)} on are newer than the newest checkpoint: nothing is proven of them.`,
          ]
        : []),
    ];
  const name = event?.type ? ` (${event.type} of ${event.stream}, ${event.eventId})` : '';
  return [
    ...(misfit
      ? [
          `Does not fit: the checkpoint of ${countText(misfit.size, 'event')}. ` +
            `The fault lies in events ${numbered(misfit.after)} to ${numbered(misfit.size - 1)}; ${misfit.after > 0 ? `the first ${numbered(misfit.after)} are untouched` : 'no earlier checkpoint fits'}.`,
        ]
      : []),
    ...(event ? [`Event ${numbered(event.index)}${name} ${eventWords[event.kind]}.`] : []),
    ...(cutOff
      ? [
          `Cut off: the file ends after ${countText(cutOff.size, 'event')}, and there were ${numbered(cutOff.expected)}.`,
        ]
      : []),
    ...(brokenLine ? ['The last line is not whole: the file ends in the middle of an event.'] : []),
  ];
}

async function runVerify(call: Call): Promise<number> {
  const [file = ''] = call.positionals;
  const key = call.text('key');
  const checkpoints = call.all('checkpoint');
  if (key === null || checkpoints.length === 0)
    throw usageFault('It takes --checkpoint and --key to prove anything.', [
      'gatebook verify log.ndjson --checkpoint old.txt --key key.txt',
    ]);
  const trusted = call.text('trusted');
  try {
    const verdict = await verifyExport({
      lines: linesOf(file),
      checkpoints: await signedCheckpoints(checkpoints, await keyGiven(key)),
      trusted: trusted === null ? undefined : linesOf(trusted),
      onProgress: progressOf(call, 'Verifying'),
    });
    call.terminal.progress('');
    if (call.json) call.terminal.json(JSON.stringify(verdict));
    else for (const line of verdictLines(verdict)) call.terminal.line(line);
    return verdict.untouched ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw usageFault(`There is no file ${path}.`);
    if (error instanceof MalformedNote) throw usageFault(`${error.message}.`);
    throw error;
  }
}

export const auditFileCommands: readonly Command[] = [
  {
    name: 'checkpoint',
    summary: 'sign how many events there are, and their root, for an auditor to keep',
    positionals: '',
    options: { 'public-key': { help: 'show the key that it is checked with instead' } },
    examples: [
      'gatebook checkpoint > checkpoint.txt',
      'gatebook checkpoint --public-key > key.txt',
    ],
    run: runCheckpoint,
  },
  {
    name: 'export',
    summary: 'write every event to a file; again: goes on where it stopped',
    positionals: '',
    options: {
      out: { value: 'FILE', help: 'where to (mode 0600); what is there is kept and continued' },
      from: { value: 'N', help: 'begin a new file at event N, counted from 0' },
      'with-personal-data': {
        value: 'FILE',
        help: 'open personal fields into a second file, for those who may read them',
      },
    },
    notes: ['Personal fields stay sealed in the export. No secret is in it.'],
    examples: ['gatebook export --out log.ndjson'],
    run: runExport,
  },
  {
    name: 'verify',
    summary: 'check an export against checkpoints, without the registry',
    positionals: 'FILE',
    options: {
      checkpoint: {
        value: 'FILE',
        many: true,
        help: 'signed checkpoints, one or many in a file; may be given more than once',
      },
      key: { value: 'KEY', help: 'the verifier key, or a file with it' },
      trusted: {
        value: 'FILE',
        help: 'an earlier export, or its leaf hashes: names the very event',
      },
      json: { help: 'print the verdict as JSON' },
    },
    notes: ['Exit 0: whole and untouched. Exit 1: something differs.'],
    examples: [
      'gatebook verify log.ndjson --checkpoint checkpoint.txt --key key.txt',
      'gatebook verify log.ndjson --checkpoint data/checkpoints.txt --key key.txt --trusted old.ndjson',
    ],
    run: runVerify,
  },
];
