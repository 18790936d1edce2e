/** What there is in the registry as a file that `apply` takes. */
import { Document, visit } from 'yaml';
import { printable, printableYaml } from '../../platform/printable.ts';
import type { DeclaredClient, DeclaredRole, DeclaredRule } from './document.ts';
import type { PresentClient, PresentRole, PresentRule } from './present.ts';

interface WrittenFile {
  readonly name: string;
  readonly roles?: Readonly<Record<string, Partial<DeclaredRole>>>;
  readonly preauthorizations?: Readonly<Record<string, Partial<DeclaredRule>>>;
  readonly clients?: Readonly<Record<string, Partial<DeclaredClient>>>;
}

/** Without what is so anyway. */
function brief<Thing extends object>(thing: Thing): Partial<Thing> {
  const isSaid = ([field, value]: [string, unknown]) =>
    value !== null &&
    value !== false &&
    !(Array.isArray(value) && value.length === 0) &&
    !(field === 'effect' && value === 'allow') &&
    !(field === 'maxUses' && value === 1);
  return Object.fromEntries(Object.entries(thing).filter(isSaid)) as Partial<Thing>;
}

/** A rule has no name until a file gives it one. */
export const ruleName = ({ name, id }: PresentRule): string => name ?? `rule-${id.slice(0, 8)}`;

const byName = <Thing>(entries: readonly (readonly [string, Thing])[]) =>
  Object.fromEntries(
    entries.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
  );

const hasAccess = ({ status, origin }: PresentClient) =>
  (status === 'active' || status === 'suspended') && origin !== 'sso';

interface FoundThings {
  readonly roles: ReadonlyMap<string, PresentRole> | null;
  readonly rules: readonly PresentRule[] | null;
  readonly clients: ReadonlyMap<string, PresentClient> | null;
}

/** A section that was not asked for is absent. */
export const writtenOf = (name: string, { roles, rules, clients }: FoundThings): WrittenFile => ({
  name,
  ...(roles && {
    roles: byName(
      [...roles]
        .filter(([, { builtIn }]) => !builtIn)
        .map(([role, { declared }]) => [role, brief(declared)] as const),
    ),
  }),
  ...(rules && {
    preauthorizations: byName(rules.map((rule) => [ruleName(rule), brief(rule.declared)] as const)),
  }),
  ...(clients && {
    clients: byName(
      [...clients]
        .filter(([, client]) => hasAccess(client))
        .map(([client, { declared }]) => [client, brief(declared)] as const),
    ),
  }),
});

/**
 * Between double quotes alone an escape stands for its character. A line end may stand as it is, but where a line begins or
 * ends with a space, which a block would take for its indentation or leave out.
 */
const needsQuotes = (text: string): boolean => {
  const line = text.replaceAll('\n', '');
  const isPadded = line !== text && /(^|\n)[ \t]|[ \t](\n|$)/.test(text);
  return isPadded || printable(line) !== line;
};

export function yamlText(written: WrittenFile): string {
  const document = new Document(written);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && needsQuotes(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return printableYaml(document.toString({ lineWidth: 0 }));
}
