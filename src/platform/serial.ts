/** Runs asynchronous work one after the other: all of it, or all that has the same key. */

type Serial = <T>(act: () => Promise<T>) => Promise<T>;

export function serial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const result = last.then(act, act);
    last = result.catch(() => undefined);
    return result;
  };
}

/** The same for each key by itself; a key without waiting work is forgotten. */
export function serialByKey(): <T>(key: string, act: () => Promise<T>) => Promise<T> {
  const queues = new Map<string, { readonly run: Serial; waiting: number }>();
  return async (key, act) => {
    const queue = queues.get(key) ?? { run: serial(), waiting: 0 };
    queues.set(key, queue);
    queue.waiting++;
    try {
      return await queue.run(act);
    } finally {
      if (--queue.waiting === 0) queues.delete(key);
    }
  };
}
