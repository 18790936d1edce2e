/** Values by MQTT topic, a branch for each level: those that a filter matches are found without a search through all. */

import { mqttRetainedLooked } from '../../limits/mqtt.ts';

interface Branch<Value> {
  readonly branches: Map<string, Branch<Value>>;
  value: Value | undefined;
}

const newBranch = <Value>(): Branch<Value> => ({ branches: new Map(), value: undefined });

export class TopicTree<Value extends object> {
  readonly #root = newBranch<Value>();
  /** Over all filters, so that many that match nothing make pauses too. */
  readonly #looked = { branches: 0 };

  set(topic: string, value: Value): void {
    let branch = this.#root;
    for (const level of topic.split('/')) {
      let next = branch.branches.get(level);
      if (next === undefined) {
        next = newBranch();
        branch.branches.set(level, next);
      }
      branch = next;
    }
    branch.value = value;
  }

  /** Deletes the value of a topic, with the branches that lead to nothing else, and returns it. */
  remove(topic: string): Value | undefined {
    const path: [Branch<Value>, string][] = [];
    let branch = this.#root;
    for (const level of topic.split('/')) {
      const next = branch.branches.get(level);
      if (next === undefined) return undefined;
      path.push([branch, level]);
      branch = next;
    }
    const { value } = branch;
    branch.value = undefined;
    for (const [parent, level] of path.reverse()) {
      const child = parent.branches.get(level);
      if (child === undefined || child.value !== undefined || child.branches.size > 0) break;
      parent.branches.delete(level);
    }
    return value;
  }

  has(topic: string): boolean {
    let branch: Branch<Value> | undefined = this.#root;
    for (const level of topic.split('/')) {
      branch = branch.branches.get(level);
      if (branch === undefined) return false;
    }
    return branch.value !== undefined;
  }

  /** Those that a filter matches; wildcards at the first level match no `$` topic [MQTT-4.7.2-1]. Null: time for a pause. */
  matching(filter: string): Generator<Value | null, void, void> {
    return below(this.#root, filter.split('/'), 0, this.#looked);
  }
}

function* below<Value>(
  branch: Branch<Value>,
  filter: readonly string[],
  depth: number,
  looked: { branches: number },
): Generator<Value | null, void, void> {
  looked.branches += 1;
  if (looked.branches % mqttRetainedLooked === 0) yield null;
  // What follows `#` is `#` again.
  const level = filter[depth] ?? (filter.at(-1) === '#' ? '#' : undefined);
  if (level === undefined || level === '#') {
    // `a/#` matches `a` too [MQTT-4.7.1-2].
    if (branch.value !== undefined) yield branch.value;
    if (level === undefined) return;
  }
  if (level === '#' || level === '+') {
    for (const [name, next] of branch.branches)
      if (depth > 0 || !name.startsWith('$')) yield* below(next, filter, depth + 1, looked);
  } else {
    const next = branch.branches.get(level);
    if (next !== undefined) yield* below(next, filter, depth + 1, looked);
  }
}
