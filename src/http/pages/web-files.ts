/**
 * The files of the web page: its TypeScript with the types stripped, its libraries as they are installed.
 * All stand in one folder of the browser's, so import specifiers are rewritten to it; nothing is bundled.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ServedFile, servedFile } from '../response/static-file.ts';

/** '.js' in the package, where types are stripped already. */
const codeExtension = extname(fileURLToPath(import.meta.url));
const source = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'web');
const resolved = createRequire(import.meta.url);

/** Import specifiers of libraries, and the module beside what they resolve to. */
const libraries: Readonly<Record<string, string>> = {
  preact: 'preact.module.js',
  'preact/hooks': 'hooks.module.js',
  htm: 'htm.module.js',
  'qrcode-generator': 'qrcode.mjs',
};
/** What the page shares with the service: pure, and without an import that stays. */
const shared = ['matching', 'client/door-name', 'client/label', 'approvals/proposal-words'].map(
  (name) => join(source, '..', '..', 'domain', name + codeExtension),
);

/** The browser's name of a module: whatever folder it stands in here, there it stands beside the others. */
function browserSpecifier(specifier: string): string {
  const library = libraries[specifier];
  if (library !== undefined) return `./${library}`;
  return specifier.startsWith('.') ? `./${basename(specifier, codeExtension)}.js` : specifier;
}

const rewritten = (code: string): string =>
  code.replaceAll(
    /\b(from|import)(\s*\(?)(['"])([^'"\n]+)\3/g,
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
  const serve = (name: string, file: ServedFile) => {
    if (files.has(name)) throw new Error(`two files of the page are called ${name}`);
    files.set(name, file);
  };
  const script = (name: string, code: string) =>
    serve(name, servedFile(rewritten(code), javascript));
  for (const [specifier, name] of Object.entries(libraries)) {
    const code = readFileSync(join(dirname(resolved.resolve(specifier)), name), 'utf8');
    // Maps of installed files are not served.
    script(name, code.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, ''));
  }
  const own = readdirSync(source, { recursive: true, encoding: 'utf8' }).sort();
  for (const path of [...shared, ...own.map((name) => join(source, name))]) {
    const extension = extname(path);
    const type = types[extension];
    if (extension === codeExtension)
      script(`${basename(path, extension)}.js`, stripped(readFileSync(path, 'utf8')));
    else if (type !== undefined)
      serve(basename(path), servedFile(readFileSync(path, 'utf8'), type));
  }
  const document = readFileSync(join(source, 'page.html'), 'utf8');
  const preloads = neededAtFirst(files).map(
    (name) => `<link rel="modulepreload" href="/page/${name}">`,
  );
  files.set(
    '',
    servedFile(
      document.replace('<!-- modules -->', preloads.join('\n')),
      'text/html; charset=utf-8',
    ),
  );
  return files;
}

/** The modules that the page imports before it shows anything; what it imports later comes then. */
function neededAtFirst(files: ReadonlyMap<string, ServedFile>): string[] {
  const found = new Set(['main.js']);
  for (const name of found) {
    const code = files.get(name)?.plain.toString() ?? '';
    for (const [, specifier = ''] of code.matchAll(staticImport)) found.add(specifier.slice(2));
  }
  return [...found].sort();
}

const staticImport = /^(?:import|export)\b[^'"(;=]*['"](\.\/[^'"\n]+)['"]/gm;

let made: Map<string, ServedFile> | undefined;

/** A file by its name under `/page/`; the empty name is the document itself. */
export function pageFile(name: string): ServedFile | undefined {
  made ??= allFiles();
  return made.get(name);
}
