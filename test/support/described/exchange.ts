/** One request and its answer, as they were sent. */

export interface ExchangeSeen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  /** Names in small letters. */
  readonly asked: Readonly<Record<string, string>>;
  /** Null: not known. */
  readonly sent: Buffer | null;
  readonly status: number;
  /** Names in small letters; of several of a name the last. */
  readonly told: Readonly<Record<string, string>>;
  /** Null: it was cut off, or is too long to look at. */
  readonly answered: Buffer | null;
}

/** As it must be told where no server of this process answers. */
export function exchangeOver(
  [method, url, asked, sent]: readonly [string, string, Record<string, string>, string | null],
  [status, headers, answered]: readonly [number, Headers, string],
): ExchangeSeen {
  const { pathname, search } = new URL(url);
  return {
    ...{ method, path: pathname, query: search.slice(1), status },
    asked: Object.fromEntries(Object.entries(asked).map(([name, to]) => [name.toLowerCase(), to])),
    sent: Buffer.from(sent ?? ''),
    told: Object.fromEntries(headers),
    answered: Buffer.from(answered),
  };
}
