/**
 * The files of the web page: its TypeScript with the types stripped, its libraries as they are installed.
 * All stand in one folder of the browser's, so import specifiers are rewritten to it; nothing is bundled.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ServedFile, servedFile } from './file.ts';

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'web');
const resolved = createRequire(import.meta.url);

/** Import specifiers of libraries, and the module beside what they resolve to. */
const libraries: Readonly<Record<string, string>> = {
  preact: 'preact.module.js',
  'preact/hooks': 'hooks.module.js',
  htm: 'htm.module.js',
};
/** What the page shares with the service: pure, and without an import that stays. */
const shared: Readonly<Record<string, string>> = {
  '../../domain/matching.ts': 'matching.js',
};

function browserSpecifier(specifier: string): string {
  const library = libraries[specifier];
  if (library !== undefined) return `./${library}`;
  const other = shared[specifier];
  if (other !== undefined) return `./${other}`;
  return specifier.startsWith('./') ? specifier.replace(/\.ts$/, '.js') : specifier;
}

const rewritten = (code: string): string =>
  code.replaceAll(
    /\b(from|import)(\s*)(['"])([^'"\n]+)\3/g,
    (_whole, word, space, quote, specifier) =>
      `${word}${space}${quote}${browserSpecifier(specifier)}${quote}`,
  );

/** Types are blanked out, so lines stay where they are; what is left of empty ones is dropped. */
const stripped = (code: string): string =>
  quietly(() => stripTypeScriptTypes(code, { mode: 'strip' })).replaceAll(/[ \t]+$/gm, '');

/** Node says once that it may change how this is called: nothing that an operator could act on. */
function quietly<T>(work: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

const javascript = 'text/javascript; charset=utf-8';
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

function allFiles(): Map<string, ServedFile> {
  const files = new Map<string, ServedFile>();
  const script = (name: string, code: string) =>
    files.set(name, servedFile(rewritten(code), javascript));
  for (const [specifier, name] of Object.entries(libraries)) {
    const code = readFileSync(join(dirname(resolved.resolve(specifier)), name), 'utf8');
    // Maps of installed files are not served.
    script(name, code.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, ''));
  }
  for (const [specifier, name] of Object.entries(shared))
    script(name, stripped(readFileSync(join(source, specifier), 'utf8')));
  for (const name of readdirSync(source).sort()) {
    const text = readFileSync(join(source, name), 'utf8');
    const extension = name.slice(name.lastIndexOf('.'));
    const type = types[extension];
    if (extension === '.ts') script(`${basename(name, '.ts')}.js`, stripped(text));
    else if (type !== undefined) files.set(name, servedFile(text, type));
  }
  const document = readFileSync(join(source, 'page.html'), 'utf8');
  const modules = [...files.keys()].filter((name) => name.endsWith('.js'));
  const preloads = modules.map((name) => `<link rel="modulepreload" href="/page/${name}">`);
  files.set(
    '',
    servedFile(
      document.replace('<!-- modules -->', preloads.join('\n')),
      'text/html; charset=utf-8',
    ),
  );
  return files;
}

let made: Map<string, ServedFile> | undefined;

/** A file by its name under `/page/`; the empty name is the document itself. */
export function pageFile(name: string): ServedFile | undefined {
  made ??= allFiles();
  return made.get(name);
}
