/** For auditors: `checkpoint`, and `verify`, which works with files and needs no registry. */
import { readFile } from 'node:fs/promises';
import { originAfter } from '../../../domain/backup.ts';
import { checkpointsIn, type NotedCheckpoint } from '../../audit/transparency-log/checkpoint.ts';
import { LineTooLong, linesOf } from '../../audit/transparency-log/ndjson.ts';
import {
  isSignedBy,
  MalformedNote,
  type Verifier,
  verifierOf,
} from '../../audit/transparency-log/signed-note.ts';
import {
  type EventDifference,
  NothingTrusted,
  type Verdict,
  verifyExport,
} from '../../audit/transparency-log/verify.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { progressOf } from '../terminal/progress.ts';
import { countText, dateTimeText } from '../text/format.ts';
import { exportCommand } from './export.ts';

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

/** A verifier key, as text or in a file. */
export async function readKey(given: string): Promise<Verifier> {
  return verifierOf(/\+[0-9a-f]{8}\+/.test(given) ? given : await readFile(given, 'utf8'));
}

async function signedCheckpoints(files: readonly string[], keys: readonly Verifier[]) {
  const all: NotedCheckpoint[] = [];
  for (const file of files) all.push(...checkpointsIn(await readFile(file, 'utf8')));
  for (const { size, origin, note } of all)
    if (!keys.some((key) => origin === key.name && isSignedBy(note, key)))
      throw new CommandFailed(
        exitCodes.failed,
        `The checkpoint of ${countText(size, 'event')} is not signed by ${keys.length === 1 ? 'this key' : 'any of these keys'}.`,
        [
          'It proves nothing. Is it the key of this registry, and the file as it was given out?',
          'After a restore the registry signs under a new name: give both keys (--key OLD --key NEW).',
        ],
      );
  return all;
}

const numberText = (index: number) => index.toLocaleString('en');

/** What happened to an event, behind its number and name. */
function eventWords({ kind, count, index, other }: EventDifference): string {
  switch (kind) {
    case 'changed':
      return 'is not what it was';
    case 'missing':
      return count === 1 ? 'is missing' : `and the ${numberText(count - 1)} behind it are missing`;
    case 'inserted':
      return count === 1
        ? 'has another one in its place, which was inserted'
        : `has ${numberText(count)} others in its place, which were inserted`;
    case 'swapped':
      return other === index + 1
        ? 'and the one after it have changed places'
        : `and event ${numberText(other ?? index)} have changed places`;
  }
}

/**
 * The restore that a checkpoint which does not fit is from before: whoever signed it had events that the backup had not.
 * A checkpoint under the name of after a restore is not explained by it.
 */
function restoreLines({ restores, misfit }: Verdict): string[] {
  if (misfit === null) return [];
  const { size, origin } = misfit;
  const own = restores.findLastIndex(
    ({ restoreId }) =>
      originAfter('', restoreId) === origin.slice(-originAfter('', restoreId).length),
  );
  const restore = restores.slice(own + 1).find(({ index }) => index < size);
  if (restore === undefined) return [];
  const { index, takenAt, at } = restore;
  return [
    `Event ${numberText(index)} says that on ${dateTimeText(at)} the log was put back to a backup of ${dateTimeText(takenAt)}, which had ${countText(index, 'event')}: ` +
      `at least ${numberText(size - index)} that followed are lost. Where you know of that restore, this is the gap that it left; ` +
      'where nobody does, somebody cut the history off and wrote it on.',
  ];
}

/** What was found, a line each, the worst first. */
export function verdictLines(verdict: Verdict): string[] {
  const { size, fitting, misfit, forkedAt, cutOff, brokenLine, notAnEvent, event, untouched } =
    verdict;
  const newest = fitting.at(-1) ?? 0;
  const fits = `${countText(fitting.length, 'checkpoint fits', 'checkpoints fit')}`;
  if (untouched)
    return [
      `Whole and untouched: ${countText(newest, 'event')}, ${fits}.`,
      ...(size > newest
        ? [
            `${countText(size - newest, 'event')} more, from ${numberText(newest)} on: newer than the newest checkpoint, nothing is proven of them.`,
          ]
        : []),
    ];
  const name = event?.type ? ` (${event.type} of ${event.stream}, ${event.eventId})` : '';
  return [
    ...(forkedAt === null
      ? []
      : [
          `Two checkpoints of ${countText(forkedAt, 'event')} differ, and both are signed: whoever holds the key has told two histories.`,
        ]),
    ...(misfit
      ? [
          `Does not fit: the checkpoint of ${countText(misfit.size, 'event')}. ` +
            `The fault lies in events ${numberText(misfit.after)} to ${numberText(misfit.size - 1)}; ${misfit.after > 0 ? `the first ${numberText(misfit.after)} are untouched` : 'no earlier checkpoint fits'}.`,
        ]
      : []),
    ...(event ? [`Event ${numberText(event.index)}${name} ${eventWords(event)}.`] : []),
    ...(cutOff
      ? [
          `Cut off: the file ends after ${countText(cutOff.size, 'event')}, and there were ${numberText(cutOff.expected)}.`,
        ]
      : []),
    ...restoreLines(verdict),
    ...(brokenLine ? ['The last line is not whole: the file ends in the middle of an event.'] : []),
    ...(notAnEvent === null
      ? []
      : [
          `Line ${numberText(notAnEvent + 1)} is no event as it was exported.${notAnEvent === 0 ? ' Is it an export at all, and were line ends or encoding changed on its way?' : ''}`,
        ]),
  ];
}

async function runVerify(call: Call): Promise<number> {
  const [file = ''] = call.positionals;
  const keys = call.all('key');
  const checkpoints = call.all('checkpoint');
  if (keys.length === 0 || checkpoints.length === 0)
    throw usageFault('It takes --checkpoint and --key to prove anything.', [
      'gatebook verify log.ndjson --checkpoint old.txt --key key.txt',
    ]);
  const trusted = call.text('trusted');
  try {
    const signed = await signedCheckpoints(checkpoints, await Promise.all(keys.map(readKey)));
    const total = signed.reduce((most, { size }) => Math.max(most, size), 0);
    const verdict = await verifyExport({
      lines: linesOf(file),
      checkpoints: signed,
      trusted: trusted === null ? undefined : linesOf(trusted),
      onProgress: progressOf(call, 'Verifying', total),
    });
    call.terminal.progress('');
    if (call.json) call.terminal.json(JSON.stringify(verdict));
    else for (const line of verdictLines(verdict)) call.terminal.line(line);
    return verdict.untouched ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (error instanceof MalformedNote) throw usageFault(`${error.message}.`);
    if (error instanceof NothingTrusted)
      throw usageFault(`Not verified: ${error.message}.`, [
        '--trusted takes an earlier export of this log, or its leaf hashes, a line each.',
      ]);
    if (error instanceof LineTooLong) throw new CommandFailed(exitCodes.failed, error.message);
    return fileFault(error);
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
  exportCommand,
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
      key: {
        value: 'KEY',
        many: true,
        help: 'the verifier key, or a file with it; more than one where the log was restored',
      },
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
