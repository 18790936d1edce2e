/** For administrators: `knocks`, who was turned away at the door. */
import type { Knock } from '../../../api/output.ts';
import { listOptions, page, sayMore } from '../../client/lists.ts';
import { signedIn } from '../../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../../command.ts';
import { agoText, countText } from '../../text/format.ts';
import { flowText } from './shown.ts';

async function runKnocks(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await page<Knock>(call, registry, '/client-registry/knocks');
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('Turned away: nobody.');
  else {
    call.terminal.table(
      ['NAME', 'TRIES', 'BECAUSE', 'FLOW', 'SOURCE', 'FIRST', 'LAST'],
      body.items.map((knock) => [
        { text: knock.username, style: 'strong' },
        knock.attemptCount.toLocaleString('en'),
        knock.reason,
        flowText(knock),
        knock.source ?? '–',
        agoText(knock.firstAt, call.now()),
        agoText(knock.lastAt, call.now()),
      ]),
    );
    sayMore(call, body);
    const tries = body.items.reduce((sum, { attemptCount }) => sum + attemptCount, 0);
    call.terminal.line(
      `Turned away: ${countText(body.items.length, 'name and source', 'names and sources')}, ${countText(tries, 'try', 'tries')}.`,
    );
  }
  return exitCodes.done;
}

export const knocksCommand: Command = {
  name: 'knocks',
  summary: 'see who was turned away at the door',
  positionals: '',
  options: listOptions,
  notes: ['Counted in memory since the start, by name and source; forgotten once a name asks.'],
  examples: ['gatebook knocks'],
  run: runKnocks,
};
