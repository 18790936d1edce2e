/** For administrators: `unlock` and `lock`. */
import type { Window } from '../../api/output.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import { countText, durationText, momentText } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { cidrOf, countOf, durationOf } from '../text/parse.ts';

const windowPath = '/client-registry';
const openMaxMs = 86_400_000;

async function runUnlock(call: Call): Promise<number> {
  const durationMs = call.read('for', durationOf);
  if (durationMs !== null && durationMs > openMaxMs)
    throw new MistypedError(`The registry opens for at most ${durationText(openMaxMs)} at once.`);
  const maxRequests = call.read('max', (text) => countOf(text, 1, 1_000_000));
  const usernamePattern = call.text('pattern');
  const note = call.text('note');
  const sources = call.all('source').map(cidrOf);
  const registry = await signedIn(call);
  const { body, text } = await registry.send<Window>('POST', `${windowPath}/unlock`, {
    ...(durationMs !== null && { durationMs }),
    ...(maxRequests !== null && { maxRequests }),
    ...(usernamePattern !== null && { usernamePattern }),
    ...(sources.length > 0 && { sources }),
    ...(note !== null && { note }),
  });
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  const now = call.now();
  const lastsMs = Date.parse(body.until ?? '') - now.getTime();
  // What was asked for reads better than what is left of it by now.
  const lasts = durationText(durationMs ?? Math.round(lastsMs / 1_000) * 1_000);
  const limits = [
    body.usernamePattern === null ? '' : ` for ${body.usernamePattern}`,
    body.sources.length === 0 ? '' : ` from ${body.sources.join(' ')}`,
    body.maxRequests === null ? '' : `, at most ${countText(body.maxRequests, 'request')}`,
  ].join('');
  call.terminal.line(
    { text: 'Unlocked', style: 'warning' },
    ` until ${momentText(body.until, now)} (${lasts})${limits}. Watch with: gatebook requests --watch`,
  );
  return exitCodes.done;
}

async function runLock(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await registry.send<Window>('POST', `${windowPath}/lock`);
  if (call.json) call.terminal.json(text);
  else {
    const waiting =
      body.pendingCount === 0
        ? 'Nobody waits for a decision.'
        : `Still waiting for a decision: ${body.pendingCount}. See them with: gatebook requests`;
    call.terminal.line({ text: 'Locked', style: 'good' }, `. ${waiting}`);
  }
  return exitCodes.done;
}

export const windowCommands: readonly Command[] = [
  {
    name: 'unlock',
    summary: 'open the registry for a few minutes, so that devices can ask',
    positionals: '',
    options: {
      for: { value: 'DURATION', help: 'how long, up to 24h (default 5m)' },
      max: { value: 'N', help: 'how many requests at most (default 100)' },
      pattern: { value: 'GLOB', help: "which names may ask: 'press-*'" },
      source: {
        value: 'CIDR',
        many: true,
        help: 'from where they may ask: a network or an address (repeatable)',
      },
      note: { value: 'T', help: 'kept in the log' },
    },
    notes: ['Unlocking again keeps the window, with the new limits and the new end.'],
    examples: [
      'gatebook unlock',
      "gatebook unlock --for 5m --max 20 --pattern 'press-*' --note 'line 4, new presses'",
      'gatebook unlock --source 10.4.0.0/16',
    ],
    run: runUnlock,
  },
  {
    name: 'lock',
    summary: 'close it again, before its time',
    positionals: '',
    options: {},
    notes: ['Requests that wait already can still be granted or denied.'],
    examples: ['gatebook lock'],
    run: runLock,
  },
];
