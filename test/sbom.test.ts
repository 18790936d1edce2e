/** The bill of materials names the program, and the licences that its parts have. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from './support/suite.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  readonly licenses?: readonly { license?: { id?: string; name?: string }; expression?: string }[];
}

const test = suite('the bill of materials');
const root = join(import.meta.dirname, '..');
const sbom = JSON.parse(
  execFileSync(process.execPath, ['packaging/sbom.ts'], { cwd: root, encoding: 'utf8' }),
) as {
  bomFormat: string;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string }[];
};
const { version, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'devDependencies', Record<string, string>> & { version: string };

test('is CycloneDX, of gatebook whatever its folder is called', () => {
  const { component } = sbom.metadata;
  assert.is(sbom.bomFormat, 'CycloneDX');
  assert.equal([component.name, component.version], ['gatebook', version]);
  assert.ok(sbom.dependencies.some(({ ref }) => ref === component['bom-ref']));
});

test('has all that a production install has, and nothing of development', () => {
  const names = sbom.components.map(({ name }) => name);
  for (const name of Object.keys(dependencies)) assert.ok(names.includes(name), name);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; dev?: true }>;
  };
  const parts = new Set(sbom.components.map((part) => part['bom-ref']));
  for (const [path, { version, dev }] of Object.entries(packages))
    if (path !== '' && dev !== true)
      assert.ok(parts.has(`${path.split('node_modules/').at(-1)}@${version}`), path);
  for (const name of ['typescript', 'uvu', '@biomejs/biome']) {
    assert.ok(name in devDependencies);
    assert.not.ok(names.includes(name), name);
  }
});

test('says for each part which licence it has, and of the bridge the true one', () => {
  for (const { name, licenses = [] } of sbom.components) {
    assert.ok(licenses.length > 0, name);
    if (name.startsWith('@kurrent/bridge'))
      assert.equal(licenses, [{ license: { name: 'Kurrent License v1' } }], name);
  }
  const licence = readFileSync(join(root, 'node_modules/@kurrent/bridge/LICENSE.md'), 'utf8');
  assert.match(licence, /^# Kurrent License v1/);
});

test.run();
