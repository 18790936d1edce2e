/** What a registry has acknowledged of each name: which states it may be in, by the model, and no others. */
import {
  type Act,
  type Answered,
  after,
  inNextWindow,
  type NameState,
  unknownName,
} from './model/name-model.ts';

export interface Entry {
  readonly username: string;
  readonly password: string;
  /** What it may be now: several, where nobody heard an answer. */
  states: readonly NameState[];
  /** One at a time acts on a name, so that at most one act is without an answer. */
  isBusy: boolean;
}

const distinct = (states: readonly (NameState | null)[]): NameState[] => [
  ...new Map(states.flatMap((one) => (one === null ? [] : [[JSON.stringify(one), one]]))).values(),
];

export class Ledger {
  readonly violations: string[] = [];
  readonly entries: Entry[] = [];
  acknowledged = 0;

  add(username: string, password: string): Entry {
    const entry = { username, password, states: [unknownName], isBusy: false };
    this.entries.push(entry);
    return entry;
  }

  /** An act and its answer; null: none was heard, so that it was carried out or not. */
  note(entry: Entry, act: Act, answer: Answered | null): void {
    const before = entry.states;
    const then = before.map((state) => after(state, act, answer));
    entry.states = distinct(answer === null ? [...before, ...then] : then);
    if (answer !== null) this.acknowledged++;
    if (entry.states.length > 0) return;
    this.violations.push(
      `${entry.username}: ${act.kind} answered ${JSON.stringify(answer)}, where it is ${JSON.stringify(before)}`,
    );
    entry.states = before;
  }

  /** It was locked, and is unlocked again. */
  nextWindow(): void {
    for (const entry of this.entries) entry.states = entry.states.map(inNextWindow);
  }

  /** What the registry says that the name is. */
  seen(entry: Entry, status: NameState['status']): void {
    const left = entry.states.filter((state) => state.status === status);
    if (left.length > 0) entry.states = left;
    else
      this.violations.push(
        `${entry.username} is ${status}, where what was acknowledged is ${JSON.stringify(entry.states)}`,
      );
  }
}

type Asking = (
  method: string,
  path: string,
  options: { readonly token: string },
) => Promise<{ readonly status: number; readonly body: { readonly status: NameState['status'] } }>;

/** Every name is what was acknowledged of it; one question after the other, since some trials have few sockets. */
export async function compared(
  { call }: { readonly call: Asking },
  token: string,
  ledger: Ledger,
): Promise<void> {
  for (const entry of ledger.entries) {
    const { status, body } = await call('GET', `/api/users/${entry.username}`, { token });
    if (status === 404) ledger.seen(entry, 'unknown');
    else if (status === 200) ledger.seen(entry, body.status);
    else ledger.violations.push(`GET ${entry.username} answered ${status}`);
  }
}
