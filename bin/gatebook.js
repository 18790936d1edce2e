#!/usr/bin/env node
/** Starts the command line on a Node that can run it, or says which one is needed. */
import { join } from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `Gatebook needs Node 24.7 or later; this is ${process.versions.node}. Start it with "npm start" or "npx gatebook" ` +
      'in its folder after "npm ci" (which brings Node 24), or install Node 24.',
  );
  process.exit(2);
}
// The service lives long beside few other things. glibc gives each thread an arena of its own and keeps in it what was
// freed; V8 lets its young generation grow large. Both are decided before a process begins, so the service starts
// once more in its own place: the same process id, the same arguments. What an operator has set stays.
if (
  process.argv[2] === 'serve' &&
  process.platform === 'linux' &&
  process.env.MALLOC_ARENA_MAX === undefined &&
  process.send === undefined
) {
  const chosen = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  const semiSpace = /--max[-_]semi[-_]space[-_]size/.test(chosen)
    ? []
    : ['--max-semi-space-size=8'];
  process.execve(
    process.execPath,
    [process.execPath, ...process.execArgv, ...semiSpace, ...process.argv.slice(1)],
    { ...process.env, MALLOC_ARENA_MAX: '2' },
  );
}
// Types are stripped and code is compiled once, not at each start. It is kept in our own folder, not in a
// temporary one that others could write to; where it cannot be written, every start is like the first.
const { enableCompileCache } = await import('node:module');
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/gatebook'));
await import('../src/cli/main.ts');
