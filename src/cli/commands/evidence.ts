/** For auditors: `evidence` prints what an installation can show of itself, by requirements of IEC 62443-4-2. */
import type { Evidence, EvidenceItem } from '../../api/evidence.ts';
import { printable } from '../../platform/printable.ts';
import { writePrivateFile } from '../../platform/private-file.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import { fileFault } from '../fault.ts';

const words = { good: 'good', attention: 'look at it', told: 'a fact' } as const;

/** In a cell of a table nothing may end it. */
const cell = (text: string) => printable(text).replaceAll('|', '\\|');

const section = ({ title, requirements, status, facts }: EvidenceItem): string[] => [
  ...['', `## ${title}`, '', `${requirements.join(', ')}: ${words[status]}`, ''],
  ...['| what | is |', '| --- | --- |'],
  ...facts.map(({ name, value }) => `| ${cell(name)} | ${cell(value)} |`),
];

function markdownOf({ at, origin, version, items }: Evidence, url: string): string {
  const toLookAt = items.filter(({ status }) => status === 'attention');
  return [
    ...[
      '# Evidence',
      '',
      `Of the registry at ${url}, gatebook ${version}, log ${origin}, at ${at}.`,
    ],
    'Requirements are those of IEC 62443-4-2. It is what the registry says of itself; the log can be checked without',
    'believing it: gatebook export, and gatebook verify with a checkpoint from elsewhere.',
    '',
    toLookAt.length === 0
      ? 'Nothing calls for a look.'
      : `To look at: ${toLookAt.map(({ title }) => title).join('; ')}.`,
    ...items.flatMap(section),
    '',
  ].join('\n');
}

async function runEvidence(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await registry.get<Evidence>('/audit/evidence');
  const out = call.text('out');
  const shown = call.json ? text : markdownOf(body, registry.url);
  if (out !== null) {
    await writePrivateFile(out, shown).catch((error) => fileFault(error, out));
    call.terminal.line(`Wrote the evidence of ${body.at} to ${out}.`);
  } else if (call.json) call.terminal.json(text);
  else for (const line of shown.split('\n').slice(0, -1)) call.terminal.line(line);
  return exitCodes.done;
}

export const evidenceCommand: Command = {
  name: 'evidence',
  summary: 'print what this installation can show of itself, by IEC 62443-4-2',
  positionals: '',
  options: {
    out: { value: 'FILE', help: 'write it to a file that only you can read' },
    json: { help: 'print it as the registry answers' },
  },
  notes: [
    'Markdown: settings that matter, who may what, log and checkpoint, backups, certificates, versions, what doctor finds.',
    'No secret is in it. It takes the right to read /api/audit/evidence, as the role auditor has it.',
  ],
  examples: ['gatebook evidence --out evidence.md', 'gatebook evidence --json'],
  run: runEvidence,
};
