/** For auditors: `verify-report`, whether a report is as it was signed; it needs no registry. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MalformedNote } from '../../audit/transparency-log/signed-note.ts';
import { isReportSigned } from '../../audit/transparency-log/signed-report.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { dateTimeText } from '../text/format.ts';
import { readKey } from './verify.ts';

/** What is shown of a report; whatever else stands in it is signed, too. */
const ShownReport = z.looseObject({
  window: z.looseObject({
    windowId: z.string().nullable(),
    unlockedAt: z.string().nullable(),
    unlockedBy: z.string().nullable(),
  }),
  counts: z.record(z.string(), z.number()),
  signature: z.string(),
});

/** Names in JSON text, each as often as it stands there: a string before a colon. */
const namesIn = (json: string): number =>
  [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;

/** Those that are left when it is parsed: of one that stands twice in an object, the last. */
const namesOf = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce(
        (sum, part) => sum + namesOf(part),
        Array.isArray(value) ? 0 : Object.keys(value).length,
      );

async function reportIn(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error) => fileFault(error, file));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageFault(`${file} is no report as JSON.`, [
      'Write one with: gatebook report [WINDOW-ID] --out report.json',
    ]);
  if (namesIn(text) !== namesOf(value))
    throw new CommandFailed(
      exitCodes.failed,
      `Not as it was written: in ${file} a name stands twice.`,
      ['What you read there may not be what was signed.'],
    );
  return value as Record<string, unknown>;
}

async function runVerifyReport(call: Call): Promise<number> {
  const [file = ''] = call.positionals;
  const given = call.text('key');
  if (given === null)
    throw usageFault('It takes --key to prove anything: the verifier key, or a file with it.', [
      'gatebook verify-report report.json --key key.txt',
    ]);
  const { signature, ...signed } = await reportIn(file);
  if (typeof signature !== 'string') throw usageFault(`${file} has no signature.`);
  try {
    const key = await readKey(given);
    const report = ShownReport.safeParse({ ...signed, signature });
    if (!isReportSigned(signed, signature, key))
      throw new CommandFailed(exitCodes.failed, `Not signed by this key as it stands: ${file}.`, [
        'It was changed, or it is of another registry. Is it the key of this one?',
      ]);
    if (!report.success) throw usageFault(`${file} is signed, but is no report of a window.`);
    const { window, counts } = report.data;
    if (call.json)
      call.terminal.json(JSON.stringify({ signedBy: key.name, windowId: window.windowId, counts }));
    else
      call.terminal.line(
        `Signed by ${key.name}: the report of window ${window.windowId}, opened ${dateTimeText(window.unlockedAt)} by ${window.unlockedBy}, ${Object.entries(
          counts,
        )
          .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
          .join(', ')}.`,
      );
    return exitCodes.done;
  } catch (error) {
    if (error instanceof MalformedNote) throw usageFault(`${error.message}.`);
    return error instanceof CommandFailed ? Promise.reject(error) : fileFault(error);
  }
}

export const verifyReportCommand: Command = {
  name: 'verify-report',
  summary: 'check the signed report of a window, without the registry',
  positionals: 'FILE',
  options: {
    key: { value: 'KEY', help: 'the verifier key, or a file with it' },
    json: { help: 'print what was found as JSON' },
  },
  notes: [
    'Exit 0: it is as it was signed. Exit 1: it is not. A report says what the registry knew then.',
  ],
  examples: ['gatebook verify-report report.json --key key.txt'],
  run: runVerifyReport,
};
