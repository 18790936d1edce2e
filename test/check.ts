/**
 * Types and lint, before the tests. Where Biome's binary was left out (`npm ci --omit=optional`) it says so
 * aloud: the tests still run.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const { resolve } = createRequire(import.meta.url);

function run(script: string, args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Biome is a binary in a package of its own for each platform. */
function biomeIsHere(): boolean {
  const musl = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libc = process.platform === 'linux' && !musl.header?.glibcVersionRuntime ? '-musl' : '';
  const binary = process.platform === 'win32' ? 'biome.exe' : 'biome';
  try {
    resolve(`@biomejs/cli-${process.platform}-${process.arch}${libc}/${binary}`);
    return true;
  } catch {
    return false;
  }
}

run(join(dirname(resolve('typescript/package.json')), 'bin/tsc'), []);
if (biomeIsHere())
  run(join(dirname(resolve('@biomejs/biome/package.json')), 'bin/biome'), [
    'ci',
    '--error-on-warnings',
    '.',
  ]);
else console.log('skipped: no Biome binary here (npm ci --omit=optional leaves it out)');
