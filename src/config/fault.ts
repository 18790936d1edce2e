/** What is wrong with the configuration, in words for the person who wrote it. */

/** One fault: which variable, what is wrong with it, what to do. */
export interface ConfigFault {
  readonly variable: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Everything that is wrong with the configuration. Its message repeats no value that may be a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.variable} ${fault.problem}. ${fault.remedy}.`);
    const title = `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:`;
    super([title, ...lines].join('\n'));
    this.faults = faults;
  }
}
