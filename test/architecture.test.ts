/** Who may import whom, and which fact has which home: the picture in ARCHITECTURE.md, as a test. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { assert, suite } from './support/suite.ts';

const test = suite('architecture');
const root = posix.join(dirname(fileURLToPath(import.meta.url)), '..');

const files = ['domain', 'projections', 'src'].flatMap((folder) =>
  readdirSync(posix.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name))
    .sort(),
);
const textOf = new Map(files.map((file) => [file, readFileSync(posix.join(root, file), 'utf8')]));
/** Without what is only said: comments may name what the code must not do. */
const codeOf = (file: string) =>
  (textOf.get(file) ?? '').replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

const importPattern =
  /^(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;
const importsOf = (file: string): string[] =>
  [...codeOf(file).matchAll(importPattern)]
    .map(([, declared, dynamic]) => declared ?? dynamic ?? '')
    .map((from) => (from.startsWith('.') ? posix.join(posix.dirname(file), from) : from));
const inside = (file: string, places: readonly string[]) =>
  places.some((place) => (/[/-]$/.test(place) ? file.startsWith(place) : file === place));

/** Reads in the configuration which store it is; no store does. */
const chooser = 'src/store/open.ts';

/** Every import that a rule does not allow, as a sentence. */
const strays = (where: readonly string[], allowed: readonly string[]) =>
  files
    .filter((file) => inside(file, where) && file !== chooser)
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (from) =>
            !inside(from, allowed) &&
            !allowed.some((start) => /[:@]/.test(start) && from.startsWith(start)),
        )
        .map((from) => `${file} imports ${from}`),
    );

/** Files whose code matches, but for those that may. */
const finds = (pattern: RegExp, homes: readonly string[]) =>
  files.filter((file) => !inside(file, homes) && pattern.test(codeOf(file)));

test('the test sees the imports it judges', () => {
  assert.ok(files.length > 100);
  for (const file of files)
    for (const from of importsOf(file))
      if (!/^(node:|@?[a-z])/.test(from) || from.startsWith('src/') || from.startsWith('domain/'))
        assert.ok(existsSync(posix.join(root, from)), `${file} imports ${from}`);
  assert.ok(importsOf('src/cli/commands/serve.ts').includes('src/main.ts'), 'also those made late');
  assert.ok(importsOf('src/commands/refused.ts').includes('domain/role.ts'), 'and those of types');
});

// ── Floors ────────────────────────────────────────────────────────────────────────────────────────

/** From the ground up. A file belongs to the place that names it most closely; every file has a floor. */
const floors: readonly (readonly [name: string, places: readonly string[]])[] = [
  ['domain', ['domain/']],
  ['platform', ['src/platform/', 'src/limits/', 'src/logger.ts', 'src/metrics.ts']],
  ['wire', ['src/api/']],
  ['configuration', ['src/config/', 'src/device/', 'src/bench/']],
  ['log', ['projections/', 'src/store/']],
  [
    'rows and secrets',
    [
      ...['src/read-models/', 'src/credentials/', 'src/sightings/', 'src/audit/transparency-log/'],
      'src/backup/',
    ],
  ],
  ['commands', ['src/commands/', 'src/authority.ts', 'src/sign-on/']],
  [
    'doors and desks',
    ['src/registration/', 'src/administration/', 'src/jobs/', 'src/broker/', 'src/web/'],
  ],
  ['answers', ['src/notifications/', 'src/audit/', 'src/views/']],
  ['app', ['src/app.ts']],
  ['http', ['src/http/']],
  ['hostility', ['src/hostile/']],
  ['main', ['src/main.ts', 'src/startup/']],
  ['cli', ['src/cli/']],
];
const floorOf = (file: string): number => {
  const closeness = floors.map(([, places]) =>
    Math.max(0, ...places.filter((place) => inside(file, [place])).map((place) => place.length)),
  );
  return closeness.indexOf(Math.max(1, ...closeness));
};

test('every file has a floor', () =>
  assert.equal(
    files.filter((file) => floorOf(file) < 0),
    [],
  ));

test('no arrow goes upwards', () => {
  const upwards = files.flatMap((file) =>
    importsOf(file)
      .filter((from) => /^(domain|projections|src)\//.test(from) && floorOf(from) > floorOf(file))
      .map(
        (from) =>
          `${file} (${floors[floorOf(file)]?.[0]}) imports ${from} (${floors[floorOf(from)]?.[0]})`,
      ),
  );
  assert.equal(upwards, []);
});

const rules: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['the domain knows zod and itself', ['domain/'], ['zod', 'domain/']],
  ['projections know the domain', ['projections/'], ['zod', 'domain/', 'projections/']],
  [
    'stores know nothing of what is stored',
    ['src/store/'],
    [
      ...['node:', 'zod', '@kurrent/', 'src/store/'],
      ...['src/limits/', 'src/logger.ts', 'src/platform/'],
    ],
  ],
  [
    'credentials know the vault’s store, not who asks',
    ['src/credentials/'],
    [
      ...['node:', 'zod', 'paseto', 'paseto/', 'domain/', 'src/credentials/', 'src/limits/'],
      ...['@noble/hashes/', '@peculiar/asn1-schema', '@peculiar/asn1-x509'],
      // A signed note is a format, and the key that signs it is a key.
      ...['src/store/event-store.ts', 'src/audit/transparency-log/signed-note.ts', 'src/platform/'],
    ],
  ],
  [
    'read models know the log and what is folded or kept',
    ['src/read-models/'],
    [
      ...['node:', 'domain/', 'projections/', 'src/read-models/', 'src/limits/', 'src/logger.ts'],
      ...['src/store/event-store.ts', 'src/store/event-text.ts', 'src/store/event-parser.ts'],
      ...['src/platform/', 'src/audit/transparency-log/tree.ts'],
    ],
  ],
  [
    'the device’s side stands alone: it is copied to devices',
    ['src/device/'],
    ['node:', 'src/device/', 'src/platform/private-file.ts'],
  ],
  [
    'the page knows the wire and the domain',
    ['src/web/'],
    ['preact', 'preact/', 'htm', 'qrcode-generator', 'src/web/', 'src/api/', 'domain/'],
  ],
];
for (const [name, where, allowed] of rules)
  test(name, () => assert.equal(strays(where, allowed), []));

const importers = (what: RegExp) =>
  files.flatMap((file) =>
    importsOf(file)
      .filter((from) => what.test(from))
      .map((from) => [file, from] as const),
  );
/** [who, must not import, why not] */
const fences: readonly (readonly [string, RegExp])[] = [
  ['src/http/', /^src\/broker\/(?!hooks\/|ports\/)|^src\/store\/(?!event-store)|^src\/cli\//],
  [
    'src/broker/',
    /^src\/http\/|^src\/credentials\/|^src\/store\/(?!event-store|lease)|^src\/cli\//,
  ],
  ['src/store/', /^src\/(http|broker|credentials|read-models|audit|cli)\//],
  // The service is loaded late, by main.ts alone, what folds a log for `rebuild` by startup/read-models.ts, and what looks
  // into an export by from-export.ts: what the command line imports itself is light. An error that an operator can act on is known by its class, so store/errors.ts is nothing but such classes.
  [
    'src/cli/',
    /^src\/(?!cli\/|main\.ts|config\/|logger\.ts|limits\/|api\/|platform\/|device\/|bench\/|store\/errors\.ts|startup\/read-models\.ts|audit\/time-travel\/from-export\.ts|audit\/transparency-log\/(?:checkpoint|ndjson|signed-note|signed-report|verify)\.ts|backup\/(?:encrypt|passphrase|refused)\.ts)|^projections\//,
  ],
];
for (const [who, what] of fences)
  test(`${who} keeps to itself`, () =>
    assert.equal(
      importers(what)
        .filter(([file]) => file.startsWith(who))
        .map(([file, from]) => `${file} imports ${from}`),
      [],
    ));

test('what looks into an export is loaded by who does so alone', () => {
  const source = readFileSync(
    new URL('../src/cli/client/audit-source.ts', import.meta.url),
    'utf8',
  );
  assert.not.match(source, /^import (?!type\b).*from-export/m);
  assert.equal(
    new Set(importers(/from-export\.ts$/).map(([file]) => file)),
    new Set(['src/cli/client/audit-source.ts']),
  );
});

test('the page knows the wire by its types alone: it is served file by file', () => {
  for (const file of files.filter((name) => name.startsWith('src/web/')))
    assert.not.match(codeOf(file), /^import (?!type\b)[^;]*from '[./]*\/api\//m, file);
});

test('what the page is served of the domain imports nothing when it runs', () => {
  for (const file of ['domain/matching.ts', 'domain/approvals/proposal-words.ts'])
    assert.not.match(codeOf(file), /^import (?!type\b)/m);
});

test('the device’s side in a browser needs nothing of Node when it runs', () => {
  const seen = new Set(['src/device/browser/register.ts']);
  for (const file of seen) {
    const code = codeOf(file).replace(/^(?:import|export) type [^;]*;/gm, '');
    const runs = [...code.matchAll(/^(?:import|export)\s[^'"]*?from\s['"]([^'"]+)['"]/gm)];
    for (const [, from = ''] of runs) {
      assert.match(from, /^\./, `${file} imports ${from}`);
      seen.add(posix.join(posix.dirname(file), from));
    }
  }
  assert.ok(seen.has('src/device/session.ts') && !seen.has('src/device/http.ts'));
});

test('the store is chosen in one place', () => {
  const allowed = ['node:path', 'src/config/config.ts', 'src/store/'];
  assert.equal(
    importsOf(chooser).filter((from) => !inside(from, allowed)),
    [],
  );
});

test('adapters never import one another', () => {
  const placeOf = (file: string) => /^src\/(?:broker|store)\/[^/]+(?=\/)/.exec(file)?.[0];
  const shared = /^src\/broker\/ports$|^src\/store\/copy$/;
  for (const file of files)
    for (const from of importsOf(file)) {
      const [mine, theirs] = [placeOf(file), placeOf(from)];
      if (mine !== undefined && theirs !== undefined && !shared.test(theirs))
        assert.is(theirs, mine, `${file} imports ${from}`);
    }
});

const homes: readonly (readonly [what: RegExp, who: readonly string[]])[] = [
  [/^@kurrent\//, ['src/store/kurrentdb/']],
  [
    /^node:sqlite$/,
    [
      ...['src/store/', 'src/read-models/', 'src/audit/transparency-log/tree.ts'],
      ...['src/sightings/table.ts', 'src/platform/sqlite/'],
    ],
  ],
  [/^(koa|@koa\/)/, ['src/http/']],
  [/^(aedes|aedes-persistence|ws|mqtt)$/, ['src/broker/']],
  [/^mqtt-packet$/, ['src/broker/', 'src/bench/']],
  [/^paseto\b/, ['src/credentials/']],
  [/^prom-client$/, ['src/metrics.ts']],
  [/^node:child_process$/, ['src/broker/', 'src/bench/', 'src/cli/terminal/shell-command.ts']],
];
test('no error is told apart by the name of its class', () => {
  const byClassName = /\.(constructor\.)?name\s*[!=]==?\s*'[A-Z]|constructor\.name/;
  assert.equal(
    [...textOf].filter(([, text]) => byClassName.test(text)).map(([file]) => file),
    [],
  );
});

for (const [what, who] of homes)
  test(`${what.source} has one home`, () =>
    assert.equal(
      importers(what)
        .filter(([file]) => !inside(file, who))
        .map(([file, from]) => `${file} imports ${from}`),
      [],
    ));

// ── Invariants ────────────────────────────────────────────────────────────────────────────────────

test('the pure folders have no clock, no randomness and no I/O', () => {
  const impure =
    /Date\.now|new Date\b|performance\.|Math\.random|crypto|process\.|console\.|setTimeout|setInterval|globalThis|\basync\b|\bawait\b|\bfetch\(/;
  for (const file of files.filter((name) => !name.startsWith('src/')))
    assert.not.match(codeOf(file), impure, file);
});
test('only what was decided is written, and only by who may', () =>
  assert.equal(
    finds(/\b(?:store|log|events?)\.append\(/, [
      ...['src/store/', 'src/commands/handle.ts'],
      ...['src/credentials/vault.ts', 'src/credentials/keys/log-binding.ts'],
    ]),
    [],
  ));
test('the environment is read in one place, arguments at the command line', () => {
  assert.equal(finds(/process\.env\b/, ['src/config/reading.ts']), []);
  assert.equal(finds(/process\.argv\b/, ['src/cli/']), []);
});
test('which failure has which status is written down once', () => {
  // /readyz is no problem document: it answers 503 with its checks (WIRE "Health").
  const homes = ['src/api/problems.ts', 'src/http/routes/health.ts'];
  assert.equal(finds(/\bstatus(?:Code)?\s*[:=]\s*[45]\d\d\b/, homes), []);
  assert.equal(
    finds(/application\/problem\+json'/, [
      'src/http/response/problem.ts',
      'src/http/pages/openapi-answers.ts',
    ]),
    [],
  );
});
test('nothing that matters is left to a weak chance', () =>
  // Retries are spread by it, no more.
  assert.equal(
    finds(/Math\.random/, ['src/device/waiting.ts', 'src/store/kurrentdb/retry.ts']),
    [],
  ));
test('lines go to the log, not past it', () => assert.equal(finds(/console\./, []), []));
test('no secret is compared byte by byte', () => {
  const compares =
    /(?:password|verifier|secret|digest|hash|mac)\w*\s*[!=]==\s*(?!undefined|null|'|")\w*(?:password|verifier|secret|digest|mac)/i;
  assert.equal(
    files.filter((file) => file.startsWith('src/credentials/') && compares.test(codeOf(file))),
    [],
  );
});

// ── Rooms ─────────────────────────────────────────────────────────────────────────────────────────

const filesIn = (folder: string) =>
  files.filter((file) => posix.dirname(file) === folder).map((file) => posix.basename(file));
const folders = [...new Set(files.map((file) => posix.dirname(file)))];

test('the root of src/ holds what belongs to no room', () =>
  assert.equal(filesIn('src').sort(), [
    ...['app.ts', 'authority.ts', 'logger.ts', 'main.ts', 'metrics.ts'],
  ]));
test('a folder can be read at a glance', () => {
  const large = ['src/cli/commands', 'src/http/routes'];
  for (const folder of folders) {
    const most = large.includes(folder) ? 30 : 18;
    assert.ok(filesIn(folder).length <= most, `${folder} has ${filesIn(folder).length} files`);
  }
});
const functionLinesMax = 70;
/** Pure switches over every event: they are as long as there are events. */
const folds = [
  'domain/client/state.ts evolve',
  'projections/requests.ts evolve',
  'src/web/audit/stories.ts lineOf',
];

/** The functions of a file that have more lines than that, by name. */
function longFunctionsOf(file: string): string[] {
  const source = ts.createSourceFile(file, textOf.get(file) ?? '', ts.ScriptTarget.Latest, true);
  const lineAt = (place: number) => source.getLineAndCharacterOfPosition(place).line;
  const long: string[] = [];
  const visit = (node: ts.Node): void => {
    const lines = lineAt(node.end) - lineAt(node.getStart(source)) + 1;
    if (ts.isFunctionLike(node) && 'body' in node && node.body && lines > functionLinesMax) {
      const named = node.name ?? (node.parent as { name?: ts.Node }).name;
      long.push(`${file} ${named?.getText(source) ?? 'a function without a name'}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return long;
}

test('a function fits on a screen, but for folds over every event', () =>
  assert.equal(files.flatMap(longFunctionsOf).sort(), folds));
test('files of the page have names of their own: the browser sees one folder', () => {
  const names = files
    .filter((file) => file.startsWith('src/web/'))
    .map((file) => posix.basename(file));
  assert.equal(names.length, new Set(names).size);
});

const testFiles = readdirSync(posix.join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => posix.join('test', name));
/** What each file takes from which, by name; `*` where it takes the whole. */
function importedNames(): Map<string, Set<string>> {
  const taken = new Map<string, Set<string>>();
  const take = (from: string, names: readonly string[]) => {
    const known = taken.get(from) ?? new Set();
    for (const name of names) known.add(name);
    taken.set(from, known);
  };
  const named = /(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/g;
  const late = /(?:const|let)\s+\{([^}]*)\}\s*=\s*await import\(\s*'(\.[^']+)'/g;
  const whole = /import\s+\*\s+as\s+\w+\s+from\s+'(\.[^']+)'|=>\s*import\(\s*'(\.[^']+)'/g;
  /** A module that is loaded when it is needed first: `(await import('./x.ts')).Name`. */
  const onDemand = /\(await import\('(\.[^']+)'\)\)\.(\w+)/g;
  const typed = /import\(\s*'(\.[^']+)'\s*\)\.(\w+)/g;
  for (const file of [...files, ...testFiles]) {
    const text = textOf.get(file) ?? readFileSync(posix.join(root, file), 'utf8');
    const at = (from: string) => posix.join(posix.dirname(file), from);
    for (const pattern of [named, late])
      for (const [, names = '', from = ''] of text.matchAll(pattern))
        take(
          at(from),
          names.split(',').map(
            (name) =>
              name
                .trim()
                .replace(/^type /, '')
                .split(/ as |:/)[0] ?? '',
          ),
        );
    for (const [, one, other] of text.matchAll(whole)) take(at(one ?? other ?? ''), ['*']);
    for (const pattern of [typed, onDemand])
      for (const [, from = '', name = ''] of text.matchAll(pattern)) take(at(from), [name]);
  }
  return taken;
}
const exported =
  /^export (?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm;

test('what is exported is imported by another file', () => {
  const taken = importedNames();
  const alone = files
    // The device's side is copied to devices: they import it.
    .filter((file) => !file.startsWith('src/device/') && !taken.get(file)?.has('*'))
    .flatMap((file) =>
      [...(textOf.get(file) ?? '').matchAll(exported)]
        .map(([, name = '']) => name)
        .filter((name) => !taken.get(file)?.has(name))
        .map((name) => `${file} exports ${name}`),
    );
  assert.equal(alone, []);
});
test('a type name stands for one thing', () => {
  const homesOf = new Map<string, Set<string>>();
  // A shape of the wire may be called as the thing is that it shows.
  for (const file of files.filter((name) => !name.startsWith('src/api/')))
    for (const [, name = ''] of (textOf.get(file) ?? '').matchAll(
      /^(?:export )?(?:abstract )?(?:interface|type|class) ([A-Z]\w*)/gm,
    ))
      homesOf.set(name, (homesOf.get(name) ?? new Set()).add(file));
  const twice = [...homesOf]
    .filter(([, homes]) => homes.size > 1)
    .map(([name, homes]) => `${name}: ${[...homes].join(', ')}`);
  assert.equal(twice, []);
});

const architecture = readFileSync(posix.join(root, 'ARCHITECTURE.md'), 'utf8');
const paths = [
  ...architecture.matchAll(/`((?:bin|docs|domain|projections|src|test)\/[\w./-]*)`/g),
].map(([, path = '']) => path);

test('every path that ARCHITECTURE.md names is there', () => {
  assert.ok(paths.length > 80);
  assert.equal(
    paths.filter((path) => !existsSync(posix.join(root, path))),
    [],
  );
});
test('every folder has its sentence in ARCHITECTURE.md', () =>
  assert.equal(
    folders.filter((folder) => folder !== 'src' && !paths.includes(`${folder}/`)),
    [],
  ));

// ── Words ─────────────────────────────────────────────────────────────────────────────────────────

test('a file is named for what is in it, in kebab-case', () => {
  for (const file of files) {
    assert.match(posix.basename(file), /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/, file);
    assert.not.match(
      file,
      /(^|[/-])(index|utils?|helpers?|common|services|types|core|misc|manager|impl)\.ts$/,
    );
  }
});
test('a file says first what it is for', () => {
  for (const file of files) assert.match(textOf.get(file) ?? '', /^(?:#![^\n]*\n)?\/\*\*/, file);
});
const tests = readdirSync(posix.join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(posix.join(root, 'test', name), 'utf8') }));
test('no test is left alone or out', () => {
  for (const { name, text } of tests.filter(({ name }) => name.endsWith('.test.ts')))
    assert.not.match(text, /\btest\.(only|skip)\(/, name);
});
test('another runner could take the place of uvu: one file imports it, the runner alone knows its inside', () => {
  const whoHas = (pattern: RegExp) =>
    tests.filter(({ text }) => pattern.test(text)).map(({ name }) => name);
  assert.equal(whoHas(/(?:from|import\()\s*'uvu(?:\/|')/), ['support/suite.ts']);
  assert.equal(whoHas(/UVU_(?=[A-Z])/), ['support/runner/uvu-file.ts']);
});

test.run();
