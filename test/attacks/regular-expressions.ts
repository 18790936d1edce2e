/** The regular expressions of source code, and texts that may make each of them slow. */
import ts from 'typescript';
import type { Repetition } from './growth.ts';

/** Without the flags that remember a place. */
export function expressionsIn(name: string, code: string): RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const [, body = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? [];
      found.push(new RegExp(body, flags.replace(/[gy]/g, '')));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, code, ts.ScriptTarget.Latest, true));
  return found;
}

/** What classes and escapes stand for, and what separates. */
const always = [...'a0 \t.-,"Af\n/=:é_'];
const syntax = new Set('()[]{}|?*+^$\\');

/** Characters that it speaks of, first. */
const charactersOf = ({ source }: RegExp): string[] => [
  ...new Set([
    ...[...source.replace(/\\[a-zA-Z]/g, '')].filter((one) => !syntax.has(one)),
    ...always,
  ]),
];

/** Single characters behind nothing and behind a few others; pairs as far as `pairs` says. */
export function repetitionsFor(
  pattern: RegExp,
  pairs: (one: string, other: string) => boolean = () => false,
): Repetition[] {
  const characters = charactersOf(pattern);
  const units = [
    ...characters,
    ...characters.flatMap((one) =>
      characters.filter((other) => other !== one && pairs(one, other)).map((other) => one + other),
    ),
  ];
  const beginnings = ['', ...characters.slice(0, 4)];
  return units.flatMap((unit) => beginnings.map((before) => ({ before, unit })));
}
