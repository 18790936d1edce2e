/**
 * `npm run api-coverage`: runs the tests, or those whose path contains one of the names it is given, and prints which
 * answers of the API's description they saw: each route, status and problem code.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claims } from './support/described/check.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebook-api-coverage-'));
const { status } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'run.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, API_COVERAGE: folder } },
);
const seen = new Set(
  readdirSync(folder).flatMap((name) =>
    Object.keys(JSON.parse(readFileSync(join(folder, name), 'utf8')) as object),
  ),
);
rmSync(folder, { recursive: true });

const claimed = claims();
const codeOf = (claim: string): string => claim.split(' ')[2] ?? '';
const routesWith = Map.groupBy(claimed, codeOf);
/** What so many routes have is of their kind, and answered in one place. */
const isCommon = (claim: string): boolean =>
  codeOf(claim) !== '' && (routesWith.get(codeOf(claim))?.length ?? 0) > 20;
const kinds = [
  ['answers', claimed.filter((claim) => codeOf(claim) === '')],
  ['problems of one route', claimed.filter((claim) => codeOf(claim) !== '' && !isCommon(claim))],
  ['problems that many routes have', claimed.filter(isCommon)],
] as const;

const unseen = claimed.filter((claim) => !seen.has(claim));
if (unseen.length > 0) console.log(`\nNever seen:\n  ${unseen.join('\n  ')}`);
console.log('');
for (const [name, all] of [...kinds, ['in all', claimed] as const]) {
  const count = all.filter((claim) => seen.has(claim)).length;
  const share = ((100 * count) / all.length).toFixed(1);
  console.log(
    `${name.padEnd(32)} ${`${count} of ${all.length}`.padStart(12)} ${share.padStart(6)} %`,
  );
}
process.exitCode = status ?? 1;
