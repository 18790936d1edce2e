/** The scripts in real shells: bash always, zsh and fish where they are installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Door, doorOf } from '../../../support/door.ts';
import { programIsHere } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ world: World; door: Door; folder: string }>('completion shells');
test.before(async (here) => {
  here.world = await startRegistry();
  here.door = doorOf(here.world);
  await here.door.unlock();
  for (const name of ['press-1', 'press-2', 'cell:4:press', 'oven-1'])
    await here.door.pending(name);
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-completion-'));
  const program = fileURLToPath(new URL('../../../../bin/gatebook.js', import.meta.url));
  const shim = join(here.folder, 'gatebook');
  writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`);
  chmodSync(shim, 0o755);
});
test.after(async ({ world, folder }) => {
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function ran(
  { world, folder }: { world: World; folder: string },
  shell: string,
  args: readonly string[],
): Promise<string[]> {
  const child = spawn(shell, args, {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      GATEBOOK_URL: world.url,
      GATEBOOK_TOKEN: world.token,
    },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return output.split('\n').filter((line) => line !== '');
}

test('bash completes verbs, options and names of who waits', async (here) => {
  const lines = ['gatebook unl', 'gatebook grant press', 'gatebook deny cell:4:p'];
  const script = [
    'source <(gatebook completion bash)',
    'complete -p gatebook',
    ...lines.map(
      (line) =>
        `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _gatebook gatebook; echo "\${COMPREPLY[*]}"`,
    ),
  ].join('\n');
  const [registered, ...found] = await ran(here, 'bash', ['-c', script]);
  assert.is(registered, 'complete -o default -F _gatebook gatebook');
  // Behind a colon readline begins a word anew.
  assert.equal(found, ['unlock', 'press-2 press-1', 'press']);
});

if (programIsHere('fish', '--version'))
  test('fish completes', async (here) => {
    const script =
      'gatebook completion fish | source; complete -C "gatebook grant pre"; complete -C "gatebook unl"';
    assert.equal(await ran(here, 'fish', ['-c', script]), ['press-1', 'press-2', 'unlock']);
  });
if (programIsHere('zsh', '--version'))
  test('zsh completes', async (here) => {
    const script = [
      'source <(gatebook completion zsh)',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is zsh's
      'compadd() { print -l -- ${(P)2} }',
      'words=(gatebook grant pre); CURRENT=3; _gatebook',
    ].join('\n');
    assert.equal((await ran(here, 'zsh', ['-fc', script])).sort(), ['press-1', 'press-2']);
  });

test.run();
