/** Mosquitto's acl file: `user`, `topic` and `pattern` lines. */
import { named, type Remark, type SaidByFile } from './found.ts';
import { allowedBy, type BrokerRule, nameFault } from './rules.ts';

const accesses: Readonly<Record<string, BrokerRule['operations']>> = {
  read: ['read'],
  write: ['write'],
  readwrite: ['read', 'write'],
  deny: ['read', 'write'],
};

/** The rule of a `topic` or `pattern` line; a topic may have blanks in it. */
function ruleIn(rest: string, place: string, text: string): BrokerRule {
  const [, access, topic] = /^(read|write|readwrite|deny)\s+(.+)$/.exec(rest) ?? [];
  return {
    ...{ allow: access !== 'deny', topic: topic ?? rest, priority: 0, place, text },
    operations: accesses[access ?? 'readwrite'] ?? [],
  };
}

interface Lines {
  readonly users: Map<string, { readonly place: string; readonly rules: BrokerRule[] }>;
  /** For everybody. */
  readonly patterns: BrokerRule[];
  readonly remarks: Remark[];
}

function linesIn(file: string, text: string): Lines {
  const lines: Lines = { users: new Map(), patterns: [], remarks: [] };
  let user: { readonly rules: BrokerRule[] } | null = null;
  for (const [at, written] of text.split('\n').entries()) {
    const line = written.trim();
    const place = `${file}:${at + 1}`;
    if (line === '' || line.startsWith('#')) continue;
    const [, word, rest = ''] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (word === 'user') {
      const fault = nameFault(rest);
      if (fault !== null) lines.remarks.push({ place, text: `${line}: left out, a name ${fault}` });
      const known = lines.users.get(rest) ?? { place, rules: [] };
      if (fault === null) lines.users.set(rest, known);
      user = known;
    } else if (word === 'pattern') lines.patterns.push(ruleIn(rest, place, line));
    else if (word === 'topic' && user !== null) user.rules.push(ruleIn(rest, place, line));
    else
      lines.remarks.push({
        place,
        text: `${line}: left out, ${word === 'topic' ? 'nobody connects here without a name' : 'it is no user, topic or pattern line'}`,
      });
  }
  return lines;
}

const isNobodys = (): boolean => false;

export function aclFileIn(file: string, text: string): SaidByFile {
  const { users, patterns, remarks } = linesIn(file, text);
  const denied = patterns.filter(({ allow }) => !allow);
  // A denial of any user may take from what a pattern gives to all.
  const ofUsers = [...users.values()].flatMap(({ rules }) => rules.filter(({ allow }) => !allow));
  const forAll = allowedBy([...patterns, ...ofUsers], isNobodys);
  const clients = [...users].map(([username, { place, rules }]) => {
    const allowed = allowedBy([...rules, ...denied], isNobodys);
    remarks.push(...allowed.remarks);
    return { ...named(username, place), permissions: allowed.permissions };
  });
  return {
    ...{ roles: [], clients, forAll: forAll.permissions },
    remarks: [...remarks, ...forAll.remarks],
  };
}
