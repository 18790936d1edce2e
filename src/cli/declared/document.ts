/** A file that declares roles, rules and clients: read whole, with every fault at its line. */
import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
} from 'yaml';
import { z } from 'zod';
import { Permission, permissionFromText } from '../../../domain/permission.ts';
import { preauthorizationEffects } from '../../../domain/preauthorization.ts';
import { Note, RoleName, Text, Username } from '../../../domain/values.ts';
import { SentCidr, SentFingerprint, SentInstant, SentPairingId } from '../../api/input.ts';
import { nearestWord } from '../../platform/did-you-mean.ts';
import { CommandFailed, exitCodes } from '../command.ts';
import { networkOf } from '../text/parse.ts';

/** Kept as the text that it was: what differs is shown so. */
const PermissionText = Text(1, 600).refine(
  (text) => Permission.safeParse(permissionFromText(text)).success,
  { message: 'must be CONTEXT:OPERATION:RESOURCE such as mqtt:readWrite:plant/#' },
);
const list = <Item extends z.ZodType>(item: Item, max: number) =>
  z.array(item).max(max).default([]);
const OrNone = <Value extends z.ZodType>(value: Value) => value.nullable().default(null);

const Network = z.preprocess(
  (value) => (typeof value === 'string' ? networkOf(value) : value),
  SentCidr,
);

const declaredRights = {
  roles: list(RoleName, 32),
  permissions: list(PermissionText, 256),
  mqttPublishPrefix: OrNone(Text(1, 512)),
  mqttClientId: OrNone(Text(1, 256)),
  expiresAt: OrNone(SentInstant),
};

const DeclaredRole = z.strictObject({
  description: OrNone(Text(0, 900)),
  permissions: list(PermissionText, 256),
});
export type DeclaredRole = z.output<typeof DeclaredRole>;

const DeclaredRule = z.strictObject({
  ...declaredRights,
  effect: z.enum(preauthorizationEffects).default('allow'),
  usernamePattern: OrNone(Text(1, 256)),
  sources: list(Network, 64),
  pairingId: OrNone(SentPairingId),
  csrFingerprint: OrNone(SentFingerprint),
  enrolmentCode: z.boolean().default(false),
  maxUses: z.int().min(1).max(1_000_000).default(1),
  until: SentInstant,
  note: OrNone(Note),
});
export type DeclaredRule = z.output<typeof DeclaredRule>;

const DeclaredClient = z.strictObject(declaredRights);
export type DeclaredClient = z.output<typeof DeclaredClient>;

/** Of a section that is there, and empty. */
const section = <Name extends z.ZodType<string, string>, Thing extends z.ZodType>(
  name: Name,
  thing: Thing,
) =>
  z
    .record(
      name,
      z.preprocess((value) => value ?? {}, thing),
    )
    .nullish()
    .transform((things) => (things ?? {}) as Readonly<Record<string, z.output<Thing>>>);

const Declaration = z.strictObject({
  name: RoleName,
  roles: section(RoleName, DeclaredRole),
  preauthorizations: section(RoleName, DeclaredRule),
  clients: section(Username, DeclaredClient),
});
export type Declaration = z.output<typeof Declaration>;

const sectionShapes: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(Declaration.shape),
  roles: Object.keys(DeclaredRole.shape),
  preauthorizations: Object.keys(DeclaredRule.shape),
  clients: Object.keys(DeclaredClient.shape),
};

interface Fault {
  readonly line: number;
  readonly text: string;
}

type FieldPath = readonly PropertyKey[];

/** Where a field begins; of one that is missing, what it is missing in. */
function lineOf(document: Document, lines: LineCounter, path: FieldPath): number {
  for (let length = path.length; length >= 0; length--) {
    const [parent, name] = [path.slice(0, length - 1), path[length - 1]];
    const holder = length === 0 ? document.contents : document.getIn(parent, true);
    const pair =
      isMap(holder) && length > 0
        ? holder.items.find(({ key }) => (isScalar(key) ? String(key.value) : '') === String(name))
        : undefined;
    const item = isCollection(holder) && length > 0 ? holder.get(name, true) : holder;
    const node = pair?.key ?? item;
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

const pathText = (path: FieldPath): string => path.map(String).join('.');

function faultsOf({ issues }: z.ZodError, at: (path: FieldPath) => number): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    if (issue.code !== 'unrecognized_keys') {
      const field = pathText(issue.path);
      return [
        { line: at(issue.path), text: `${field === '' ? 'the file' : field}: ${issue.message}` },
      ];
    }
    return issue.keys.map((key) => {
      const known = sectionShapes[String(issue.path[0] ?? '')] ?? [];
      const meant = nearestWord(key, known);
      const remedy = meant === null ? `there are ${known.join(', ')}` : `did you mean ${meant}?`;
      const path = [...issue.path, key];
      return { line: at(path), text: `${pathText(path)}: there is no such field; ${remedy}` };
    });
  });
}

const failed = (file: string, faults: readonly Fault[]) =>
  new CommandFailed(
    exitCodes.usage,
    `${file} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; nothing was sent.`,
    faults
      .toSorted((one, other) => one.line - other.line)
      .map(({ line, text }) => `${file}:${line}: ${text}`),
  );

/** @throws CommandFailed with every fault, by file, line and field */
export function declarationIn(file: string, text: string): Declaration {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0)
    throw failed(
      file,
      document.errors.map(({ message, pos: [start] }) => ({
        line: lines.linePos(start).line,
        text: message.split('\n', 1)[0]?.replace(/ at line \d+.*$/, '') ?? 'no YAML',
      })),
    );
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Aliases of aliases, as a file of a few lines can have by the billion.
    throw failed(file, [{ line: 1, text: (error as Error).message }]);
  }
  const parsed = Declaration.safeParse(value);
  if (!parsed.success)
    throw failed(
      file,
      faultsOf(parsed.error, (path) => lineOf(document, lines, path)),
    );
  return parsed.data;
}
