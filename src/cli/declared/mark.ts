/** What `apply` made is marked where people see it: at the end of a role's description, of a rule's note. */

interface Mark {
  /** The file's own name for itself. */
  readonly owner: string;
  /** Of a rule: what the file calls it. */
  readonly name: string | null;
}

const mark = /^([\s\S]*?) ?\[apply ([A-Za-z0-9._-]+)(?:\/([A-Za-z0-9._-]+))?\]$/;

/** The text without its mark, and the mark. */
export function unmarked(text: string | null): { readonly text: string | null; mark: Mark | null } {
  const [, rest = '', owner, name = null] = mark.exec(text ?? '') ?? [];
  if (owner === undefined) return { text: text === '' ? null : text, mark: null };
  return { text: rest === '' ? null : rest, mark: { owner, name } };
}

export const marked = (text: string | null, owner: string, name?: string): string =>
  `${text === null || text === '' ? '' : `${text} `}[apply ${owner}${name === undefined ? '' : `/${name}`}]`;
