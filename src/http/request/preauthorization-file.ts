/** Rules as they are sent, in JSON or as lines of a CSV file, and what is wrong with one. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { couldFitName } from '../../../domain/pattern.ts';
import { permissionFromText } from '../../../domain/permission.ts';
import { CreatePreauthorization } from '../../api/input.ts';
import type { Fault } from '../../api/problems.ts';
import {
  faultsNamedMax,
  rulesFileBytesMax,
  rulesFileTimeoutMs,
  rulesImportedMax,
  rulesLineBytesMax,
  rulesReadAtOnceMax,
} from '../../limits/http.ts';
import { nearestWord } from '../../platform/did-you-mean.ts';
import { malformed, type Problem } from '../response/problem.ts';
import type { Upload } from './body.ts';
import { faultsUnlessAhead } from './command-context.ts';
import { type CsvRecord, csvRecords, wrongFile } from './csv.ts';
import { allOf, parsedBody } from './parse.ts';

const gives = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;

const rightsFields = ['roles', 'permissions', 'mqttPublishPrefix', 'mqttClientId', 'expiresAt'];

/** Faults of a rule that says what contradicts itself, or could never match. */
function contradictionsOf(body: unknown): Fault[] {
  const sent = CreatePreauthorization.safeParse(body);
  if (!sent.success) return [];
  const { effect = 'allow', usernamePattern, maxUses, enrolmentCode } = sent.data;
  const fault = (field: string, detail: string) => [{ pointer: `#/${field}`, detail }];
  const rights = rightsFields.flatMap((field) =>
    effect !== 'allow' && gives(sent.data[field as keyof typeof sent.data])
      ? fault(
          field,
          effect === 'deny'
            ? `${field} must be left out: a rule that denies gives nothing.`
            : `${field} must be left out: a rule that lets ask gives nothing, the person who grants does.`,
        )
      : [],
  );
  return [
    ...rights,
    ...(effect === 'deny' && maxUses !== undefined
      ? fault('maxUses', 'maxUses must be left out: a rule that denies counts no uses.')
      : []),
    ...(effect === 'deny' && enrolmentCode === true
      ? fault(
          'enrolmentCode',
          'enrolmentCode must be left out: nobody shows a code to be kept out.',
        )
      : []),
    ...(typeof usernamePattern === 'string' && !couldFitName(usernamePattern)
      ? fault(
          'usernamePattern',
          'usernamePattern fits no name: names have 3 to 128 of A-Z a-z 0-9 . _ @ : - and start with a letter or digit.',
        )
      : []),
  ];
}

/** A rule that is for names of people alone: they come in by the identity provider, and nobody by a rule. */
function personPatternFaultsOf(body: unknown, isPersonName: (name: string) => boolean): Fault[] {
  const sent = CreatePreauthorization.safeParse(body);
  const pattern = sent.success ? sent.data.usernamePattern : undefined;
  if (typeof pattern !== 'string' || !isPersonName(pattern)) return [];
  const detail =
    'usernamePattern ends as the names of people do who sign in at the identity provider: no rule reaches them.';
  return [{ pointer: '#/usernamePattern', detail }];
}

/** What a rule is judged by beyond its schema. */
interface RuleCircumstances {
  /** ISO instant. */
  readonly at: string;
  /** Whether a name, or a pattern by its end, is of people who sign in at the identity provider. */
  readonly isPersonName: (name: string) => boolean;
}

/** Faults of a rule beyond its schema: ends that lie behind, contradictions, names that no rule reaches. */
export const ruleFaultsOf = (body: unknown, { at, isPersonName }: RuleCircumstances): Fault[] => [
  ...faultsUnlessAhead(body, 'until', at),
  ...faultsUnlessAhead(body, 'expiresAt', at),
  ...contradictionsOf(body),
  ...personPatternFaultsOf(body, isPersonName),
];

export const rulesFile: Upload = {
  mediaType: 'text/csv',
  type: /^text\/csv([\t ]*;.{0,200})?$/i,
  bytesMax: rulesFileBytesMax,
  timeoutMs: rulesFileTimeoutMs,
};

const list = (text: string): string[] =>
  text
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** What a cell that is not empty says; what it cannot be is left as text, for the schema to name. */
const columns: Readonly<Record<string, (text: string) => unknown>> = {
  usernamePattern: String,
  sources: list,
  pairingId: String,
  csrFingerprint: String,
  roles: list,
  permissions: (text) => list(text).map((one) => permissionFromText(one) ?? one),
  mqttPublishPrefix: String,
  expiresAt: String,
  maxUses: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : text),
  until: String,
  note: String,
  effect: String,
  enrolmentCode: (text) => (text === 'make' ? true : text),
};
export const rulesFileColumns = Object.keys(columns);

/** One line of a file: a rule as it is sent, or what is wrong with it. */
export type RuleLine = { readonly line: number } & (
  | { readonly rule: CreatePreauthorization }
  | { readonly problem: Problem }
);

/** @throws Problem `request-malformed` */
function checkHeader({ fields }: CsvRecord): void {
  const [first = ''] = fields;
  if (fields.length === 1 && first.includes(';'))
    throw wrongFile('The columns stand with semicolons between: put commas there.');
  for (const [at, name] of fields.entries()) {
    if (fields.indexOf(name) < at) throw wrongFile(`The column "${name}" stands twice.`);
    if (Object.hasOwn(columns, name)) continue;
    const meant = nearestWord(name, rulesFileColumns);
    const remedy = meant === null ? `There are: ${rulesFileColumns.join(', ')}` : `Is it ${meant}`;
    throw wrongFile(`There is no column "${name.slice(0, 64)}". ${remedy}.`);
  }
}

/** Each thing that is wrong with a cell that was no value of its kind, in the words of the file. */
const inWords = (fault: Fault): Fault =>
  'pointer' in fault && fault.pointer === '#/enrolmentCode'
    ? { ...fault, detail: 'enrolmentCode must be make, or empty.' }
    : 'pointer' in fault && /^#\/permissions\/\d+$/.test(fault.pointer)
      ? { ...fault, detail: 'permissions must be such as mqtt:readWrite:plant/#, with ; between.' }
      : fault;

function ruleIn(
  names: readonly string[],
  record: CsvRecord,
  circumstances: RuleCircumstances,
): RuleLine {
  const { line, fields } = record;
  const wrong = (faults: readonly Fault[]): RuleLine => ({
    line,
    problem: malformed(
      faults.slice(0, faultsNamedMax).map(inWords),
      Math.max(0, faults.length - faultsNamedMax),
    ),
  });
  if (fields.length !== names.length) {
    const detail = `It has ${fields.length} fields, and the header ${names.length}.`;
    return wrong([{ pointer: '#', detail }]);
  }
  const cells = names.flatMap((name, column) => {
    const text = fields[column]?.trim() ?? '';
    return text === '' ? [] : [[name, columns[name]?.(text)]];
  });
  const body: unknown = Object.fromEntries(cells);
  const parsed = parsedBody(CreatePreauthorization, body);
  const more = ruleFaultsOf(body, circumstances);
  if (parsed.faults === undefined && more.length === 0) return { line, rule: allOf(parsed)[0] };
  return wrong([...(parsed.faults ?? []), ...more]);
}

/**
 * The lines of a file of rules.
 * @param contentType as it was sent
 * @throws Problem `request-malformed` for what is no such file
 */
export async function ruleLinesOf(
  bytes: Buffer,
  contentType: string,
  circumstances: RuleCircumstances,
): Promise<RuleLine[]> {
  const [, charset] = /;[\t ]*charset="?([^";\t ]+)/i.exec(contentType) ?? [];
  let names: readonly string[] | undefined;
  const lines: RuleLine[] = [];
  for await (const record of csvRecords(bytes, charset, rulesLineBytesMax)) {
    if (names === undefined) {
      const header = { ...record, fields: record.fields.map((name) => name.trim()) };
      checkHeader(header);
      names = header.fields;
    } else if (lines.length >= rulesImportedMax) {
      const max = rulesImportedMax.toLocaleString('en');
      throw wrongFile(`The file has more than ${max} rules: split it.`);
    } else lines.push(ruleIn(names, record, circumstances));
    // A stream that has more at hand gives nobody else a turn.
    if (lines.length % rulesReadAtOnceMax === 0) await nextTurn();
  }
  if (lines.length === 0)
    throw wrongFile('The file has no rules: a header that names the columns, and a line for each.');
  return lines;
}
