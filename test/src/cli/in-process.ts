/** The command line in this process, signed in at a registry in this process: quick, for one call after the other. */

import { runCommandLine } from '../../../src/cli/run.ts';
import type { World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

/** What is said on a terminal of 80 columns, without its colours; `columns` null: into a file. */
export function commandLineOf(world: Pick<World, 'url' | 'token'>) {
  const ran = async (
    args: readonly string[],
    columns: number | null = null,
    more: Readonly<Record<string, string>> = {},
  ) => {
    let [stdout, stderr] = ['', ''];
    const screen = columns === null ? {} : { isTTY: true, columns, rows: 24 };
    const environment = {
      GATEBOOK_URL: world.url,
      GATEBOOK_TOKEN: world.token,
      NO_COLOR: '1',
      PATH: process.env.PATH ?? '',
      ...more,
    };
    const exitCode = await runCommandLine(args, environment, {
      stdout: { ...screen, write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    });
    return { exitCode, stdout, stderr };
  };
  return {
    ran,
    /** The output of a call that went well. */
    async said(...args: string[]): Promise<string> {
      const { exitCode, stdout, stderr } = await ran(args);
      assert.is(exitCode, 0, `${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    },
    /** The lines on a terminal of 80 columns. */
    async shown(...args: string[]): Promise<string[]> {
      return (await ran(args, 80)).stdout.trimEnd().split('\n');
    },
  };
}
