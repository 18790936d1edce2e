/** `preauthorizations import`: many rules from a CSV file; their codes as a second one, or as labels to print. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DeviceLabel } from '../../../domain/client/label.ts';
import type { Preauthorization, PreauthorizationImport } from '../../api/output.ts';
import { rulesFileBytesMax } from '../../limits/http.ts';
import { everyItem } from '../client/lists.ts';
import { isOwnMachine } from '../client/own-machine.ts';
import { type Registry, registryUrl } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { newFile } from '../new-file.ts';
import { whileWaiting } from '../terminal/progress.ts';
import { csvText } from '../text/csv.ts';
import { countText } from '../text/format.ts';
import { labelSheet } from '../text/label-sheet.ts';
import { preauthorizationsPath } from './preauthorizations.ts';

type ImportedLine = PreauthorizationImport['items'][number];
type Failed = Extract<ImportedLine, { problem: unknown }>;
/** A code that was made, and the rule that it belongs to. */
interface Code {
  readonly line: number;
  readonly preauthorizationId: string;
  readonly enrolmentCode: string;
}

/** Bad lines that are shown; `--json` has them all. */
const failedShownMax = 50;

const isFailed = (item: ImportedLine): item is Failed => 'problem' in item;
const codesIn = (items: readonly ImportedLine[]): Code[] =>
  items.flatMap((item) => {
    if (isFailed(item)) return [];
    const { line, preauthorizationId, enrolmentCode } = item;
    return preauthorizationId === null || enrolmentCode === null
      ? []
      : [{ line, preauthorizationId, enrolmentCode }];
  });

/** The rules that were made, by their ids; none where they may not be read: the codes go before. */
async function rulesOf(
  registry: Registry,
  codes: readonly Code[],
): Promise<Map<string, Preauthorization>> {
  const wanted = new Set(codes.map(({ preauthorizationId }) => preauthorizationId));
  const found = new Map<string, Preauthorization>();
  try {
    for await (const rule of everyItem<Preauthorization>(registry, preauthorizationsPath, {}))
      if (wanted.has(rule.preauthorizationId)) {
        found.set(rule.preauthorizationId, rule);
        if (found.size === wanted.size) break;
      }
  } catch {
    return found;
  }
  return found;
}

/** From a connection that is trusted alone: a label is what devices trust by. */
async function caFingerprintOf(registry: Registry): Promise<string | null> {
  if (!registry.url.startsWith('https:') && !isOwnMachine(registry.url)) return null;
  try {
    let text = '';
    for await (const chunk of registry.stream('/ca')) text += Buffer.from(chunk).toString();
    const { fingerprint } = JSON.parse(text) as { fingerprint?: unknown };
    return typeof fingerprint === 'string' ? fingerprint : null;
  } catch {
    return null;
  }
}

/** A file that was asked for, begun before there is a code to lose. @throws CommandFailed */
const begun = async (path: string | null) => (path === null ? null : await newFile(path));

interface OutputFiles {
  readonly codesFile: Awaited<ReturnType<typeof begun>>;
  readonly labelsFile: Awaited<ReturnType<typeof begun>>;
}

/** Writes what was asked for. The codes are in no other place: where a file cannot be written, they are said. */
async function writeCodes(
  call: Call,
  registry: Registry,
  codes: readonly Code[],
  { codesFile, labelsFile }: OutputFiles,
): Promise<void> {
  const rules = await rulesOf(registry, codes);
  const rows = codes.map(({ line, preauthorizationId, enrolmentCode }) => {
    const { usernamePattern = null, note = null } = rules.get(preauthorizationId) ?? {};
    return [String(line), usernamePattern ?? '', note ?? '', preauthorizationId, enrolmentCode];
  });
  const header = ['line', 'usernamePattern', 'note', 'preauthorizationId', 'enrolmentCode'];
  await codesFile?.append(csvText([header, ...rows]));
  await codesFile?.keep();
  if (labelsFile === null) return;
  const url = registryUrl(call.text('device-url') ?? registry.url);
  const caFingerprint = await caFingerprintOf(registry);
  const labels = codes.map(
    ({ preauthorizationId, enrolmentCode }): DeviceLabel => ({
      name: rules.get(preauthorizationId)?.usernamePattern ?? null,
      ...{ enrolmentCode, url, caFingerprint },
    }),
  );
  await labelsFile.append(labelSheet(labels));
  await labelsFile.keep();
  if (caFingerprint === null)
    call.terminal.error(
      'The labels have no CA fingerprint: over a connection that is not trusted nobody knows it.',
    );
}

function sayOutcome(call: Call, { created, failed, items }: PreauthorizationImport): void {
  const bad = items.filter(isFailed);
  for (const { line, problem } of bad.slice(0, failedShownMax))
    call.terminal.error(
      `Line ${line}: ${problem.errors?.map(({ detail }) => detail).join(' ') ?? problem.detail}`,
    );
  if (bad.length > failedShownMax)
    call.terminal.error(`… and ${(bad.length - failedShownMax).toLocaleString('en')} more`);
  const dryRun = call.has('dry-run');
  const rules = countText(created, 'rule');
  const notMade = failed === 0 ? '' : `, ${countText(failed, 'line')} not`;
  call.terminal.line(
    dryRun
      ? `${rules} would be made${notMade}. Without --dry-run they are.`
      : `Made ${rules}${notMade}.`,
  );
}

async function fileOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await readFile(path).catch(fileFault);
  if (file.length > rulesFileBytesMax)
    throw usageFault(
      `${path} has ${file.length.toLocaleString('en')} bytes, and at most ${rulesFileBytesMax.toLocaleString('en')} are imported at once: split it.`,
    );
  return file;
}

async function runImport(call: Call): Promise<number> {
  const [path = ''] = call.positionals;
  const files = [call.text('codes'), call.text('labels')].filter((file) => file !== null);
  if (new Set([path, ...files].map((file) => resolve(file))).size <= files.length)
    throw usageFault('FILE.csv, --codes and --labels are three files, each with its own name.');
  const file = await fileOf(path);
  await using codesFile = await begun(call.text('codes'));
  await using labelsFile = await begun(call.text('labels'));
  const registry = await signedIn(call);
  const dryRun = call.has('dry-run');
  const { body, text } = await whileWaiting(call, 'Importing', () =>
    registry.upload<PreauthorizationImport>(
      `${preauthorizationsPath}/import${dryRun ? '?dryRun=true' : ''}`,
      ...([file, 'text/csv'] as const),
    ),
  );
  const codes = codesIn(body.items);
  if (call.json) call.terminal.json(text);
  else sayOutcome(call, body);
  if (codes.length > 0) {
    if (files.length > 0)
      try {
        await writeCodes(call, registry, codes, { codesFile, labelsFile });
        if (!call.json)
          call.terminal.line(
            `Wrote ${countText(codes.length, 'code')} to ${files.join(' and ')} (mode 0600). They are in no other place.`,
          );
      } catch (error) {
        if (!call.json) sayCodes(call, codes);
        const { message, hints = [] } = error as Partial<CommandFailed>;
        throw new CommandFailed(exitCodes.failed, `The codes were not written: ${message}`, hints);
      }
    else if (!call.json) sayCodes(call, codes);
  }
  return body.failed > 0 ? exitCodes.refused : exitCodes.done;
}

function sayCodes(call: Call, codes: readonly Code[]): void {
  call.terminal.line('Enrolment codes (shown this once):');
  for (const { line, enrolmentCode } of codes)
    call.terminal.line(`  line ${line}  ${enrolmentCode}`);
}

export const importCommand: Command = {
  name: 'preauthorizations import',
  summary: 'make many rules from a CSV file',
  positionals: 'FILE.csv',
  options: {
    codes: { value: 'OUT.csv', help: 'where their enrolment codes go, mode 0600 (else to stdout)' },
    labels: { value: 'OUT.html', help: 'labels to print, with QR codes, mode 0600' },
    'device-url': { value: 'URL', help: "on the labels: the registry's address for devices" },
    'dry-run': { help: 'only say what would become of each line' },
  },
  notes: [
    'The first line names the columns: usernamePattern sources pairingId csrFingerprint roles permissions',
    'mqttPublishPrefix expiresAt maxUses until note effect enrolmentCode. Lists by ; and enrolmentCode make.',
    'Good lines are made, bad ones are named (exit 3); no file is overwritten. Codes that are lost: withdraw the',
    'rules, make others.',
  ],
  examples: [
    'gatebook preauthorizations import devices.csv --dry-run',
    'gatebook preauthorizations import devices.csv --codes codes.csv --labels labels.html',
  ],
  run: runImport,
};
