/**
 * Whether what callers saw of one object can have happened in one order in which each act takes effect at one
 * moment between its call and its answer (Herlihy and Wing 1990; the search is Wing and Gong's with Lowe's memory).
 */

export interface Invocation<Act, Answer> {
  readonly act: Act;
  /** Both on one clock; `completedAt` is infinite where no answer came: then it took effect at some time, or never. */
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly answer: Answer | null;
}

export type Model<State, Act, Answer> = (
  state: State,
  act: Act,
  answer: Answer | null,
) => State | null;

/**
 * The order that explains the history, as indexes into it, without acts that never took effect; null: there is none.
 */
export function orderOf<State, Act, Answer>(
  initial: State,
  history: readonly Invocation<Act, Answer>[],
  model: Model<State, Act, Answer>,
): readonly number[] | null {
  const tried = new Set<string>();
  const order: number[] = [];
  const left = new Set(history.keys());

  /** Acts that may come next: called before any of those left was answered. */
  function* candidates(): Generator<number> {
    let firstAnswer = Number.POSITIVE_INFINITY;
    for (const index of left)
      firstAnswer = Math.min(firstAnswer, history[index]?.completedAt as number);
    for (const index of left)
      if ((history[index] as Invocation<Act, Answer>).invokedAt <= firstAnswer) yield index;
  }

  function search(state: State): boolean {
    const isDone = [...left].every((index) => history[index]?.answer === null);
    if (isDone) return true;
    const key = `${[...left].join(' ')} ${JSON.stringify(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    for (const index of [...candidates()]) {
      const { act, answer } = history[index] as Invocation<Act, Answer>;
      const next = model(state, act, answer);
      if (next === null) continue;
      // Whether what changes nothing took effect makes no difference.
      if (answer === null && JSON.stringify(next) === JSON.stringify(state)) continue;
      left.delete(index);
      order.push(index);
      if (search(next)) return true;
      order.pop();
      left.add(index);
    }
    return false;
  }

  return search(initial) ? [...order] : null;
}
