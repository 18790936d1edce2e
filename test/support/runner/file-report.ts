/** What the process of a test file reports to the runner, and how the runner prints it. */

export interface FileReport {
  readonly passed: number;
  readonly failed: number;
  /** What could not be tested here; each was said with its reason. */
  readonly skipped: number;
  /** What is wrong beside the tests that failed. */
  readonly faults: readonly string[];
  /** The process left it in order, and can take another. */
  readonly isReady: boolean;
}

/** What became of a file: its report, or one that says why there is none. */
export interface FileResult extends FileReport {
  /** Relative to where the runner was started. */
  readonly file: string;
  readonly output: string;
  readonly durationMs: number;
}

/** Faults and failures may tell the same: the larger number counts. */
export const failedCount = ({ failed, faults }: FileReport): number =>
  Math.max(failed, faults.length);

/** What repeats a failure: once for each seed that the output names (fast-check prints it). */
export function repeatCommands({ file, output }: FileResult, store?: string): readonly string[] {
  const before = store === undefined ? '' : `TEST_STORE=${store} `;
  const seeds = [...new Set(output.match(/(?<=\bseed: )-?\d+/g))].map((seed) => `--seed=${seed} `);
  return (seeds.length > 0 ? seeds : ['']).map(
    (seed) => `${before}npx node test/run.ts ${seed}${file}`,
  );
}

/** All of one file's lines, to be printed at once. */
export function fileText(result: FileResult, store?: string): string {
  const lines = [`${result.file} (${(result.durationMs / 1_000).toFixed(1)} s)`];
  if (result.output !== '') lines.push(result.output.trimEnd());
  for (const fault of result.faults) lines.push(`✘ ${result.file}: ${fault}`);
  if (failedCount(result) > 0)
    for (const command of repeatCommands(result, store)) lines.push(`repeat: ${command}`);
  return `${lines.join('\n')}\n`;
}

/** The closing line. */
export function closingLine(reports: readonly FileReport[]): string {
  const sum = (count: (report: FileReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const skipped = sum((report) => report.skipped);
  return `${sum((report) => report.passed)} passed, ${sum(failedCount)} failed${
    skipped > 0 ? `, ${skipped} skipped` : ''
  }`;
}
