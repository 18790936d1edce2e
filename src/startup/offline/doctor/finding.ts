/** What a look at the installation found, and what to do about it. */

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly status: 'good' | 'warning' | 'fault';
  readonly detail: string;
  /** Null: nothing is to be done. */
  readonly remedy: string | null;
}

export const good = (check: string, detail: string): Finding => ({
  ...{ check, detail, status: 'good', remedy: null },
});
export const warning = (check: string, detail: string, remedy: string): Finding => ({
  ...{ check, detail, status: 'warning', remedy },
});
export const fault = (check: string, detail: string, remedy: string): Finding => ({
  ...{ check, detail, status: 'fault', remedy },
});

export const megabytes = (bytes: number): string =>
  `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;
