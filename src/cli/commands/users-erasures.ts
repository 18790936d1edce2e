/** For auditors: `users erasures`, who was erased and what the store still has of them. */
import type { Erasure } from '../../api/audit.ts';
import { listOptions, page, sayMore } from '../client/lists.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import { dateTimeText } from '../text/format.ts';

const whereText = ({ status, pendingOn }: Erasure): string => {
  if (status === 'done') return '';
  return pendingOn.length === 0 ? 'not looked at yet' : `scavenge ${pendingOn.join(' ')}`;
};

async function runErasures(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const query = { status: call.has('pending') ? 'pending' : null };
  const { body, text } = await page<Erasure>(call, registry, '/audit/erasures', query);
  if (call.json) call.terminal.json(text);
  else {
    if (body.items.length === 0)
      call.terminal.line(call.has('pending') ? 'No erasure is pending here.' : 'No erasures.');
    else
      call.terminal.table(
        ['NAME', 'STATUS', 'ERASED', 'BY', 'LEFT'],
        body.items.map((erasure) => [
          { text: erasure.username, style: 'strong' },
          { text: erasure.status, style: erasure.status === 'done' ? 'good' : 'warning' },
          dateTimeText(erasure.at),
          erasure.actor.name,
          whereText(erasure),
        ]),
      );
    sayMore(call, body);
  }
  return exitCodes.done;
}

/** After an erasure: what is left to do before its bytes are gone; empty where nothing is. */
export const erasureHint = (erasure: Erasure | undefined): string =>
  erasure?.status === 'pending'
    ? ' The event store has it on its disks until a scavenge has run on every node: gatebook users erasures'
    : '';

export const erasuresCommand: Command = {
  name: 'users erasures',
  summary: 'who was erased, and where a scavenge must still run',
  positionals: '',
  options: { pending: { help: 'only those that a disk still has' }, ...listOptions },
  examples: ['gatebook users erasures', 'gatebook users erasures --pending --json'],
  run: runErasures,
};
