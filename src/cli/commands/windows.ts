/** For administrators: `windows`, the registry unlocked at a time ahead or each week. */
import { isTimeZone, weekdays } from '../../../domain/schedules/occurrence.ts';
import { windowDurationMsMax } from '../../../domain/window.ts';
import type { Schedule } from '../../api/output.ts';
import { listOptions, page, sayMore } from '../client/lists.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../command.ts';
import { dateTimeText, durationText, momentText } from '../text/format.ts';
import { instantOf } from '../text/instants.ts';
import { MistypedError } from '../text/mistyped.ts';
import { cidrOf, countOf, durationOf } from '../text/parse.ts';

const path = '/client-registry/windows';

const whenText = ({ weekly, opensAt }: Schedule): string =>
  weekly === null
    ? `once, ${dateTimeText(opensAt)}`
    : `${weekly.weekday} ${weekly.time} ${weekly.timeZone}`;

const obstacleTexts: Readonly<Record<NonNullable<Schedule['obstacle']>, string>> = {
  'user-not-active': 'is active no more',
  'permission-missing': 'may unlock no more',
};

function nextText({ next, obstacle, createdBy, status }: Schedule, now: Date): string {
  if (next === null) return status;
  if (obstacle !== null) return `will not open: ${createdBy} ${obstacleTexts[obstacle]}`;
  const leftMs = Date.parse(next.from) - now.getTime();
  const left = leftMs > 0 ? `in ${durationText(leftMs)}` : 'now, unless a window is open';
  return `${momentText(next.from, now)} (${left})`;
}

const limitsText = ({ usernamePattern, sources, maxRequests }: Schedule): string =>
  [usernamePattern ?? 'any name', ...sources, `at most ${maxRequests}`].join(', ');

async function runList(call: Call): Promise<number> {
  const standing = call.has('all') ? null : 'true';
  const { body, text } = await page<Schedule>(call, await signedIn(call), path, { standing });
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('No windows are scheduled.');
  else {
    const now = call.now();
    call.terminal.table(
      ['ID', 'OPENS', 'FOR', 'NEXT', 'LIMITS', 'BY', 'NOTE'],
      body.items.map((one) => [
        { text: one.scheduleId, style: 'strong' },
        whenText(one),
        durationText(one.durationMs),
        one.obstacle === null
          ? nextText(one, now)
          : { text: nextText(one, now), style: 'bad' as const },
        limitsText(one),
        one.createdBy,
        one.note ?? '–',
      ]),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

/** Reads `sunday 02:30`. @throws MistypedError */
function weeklyOf(text: string, timeZone: string) {
  const [, day = '', time = ''] = /^([a-z]+) ([0-2]\d:[0-5]\d)$/i.exec(text.trim()) ?? [];
  const weekday = weekdays.find((one) => one === day.toLowerCase());
  if (weekday === undefined)
    throw new MistypedError(`"${text}" is no weekly time. Give a day and a time: 'sunday 02:30'.`);
  if (!isTimeZone(timeZone))
    throw new MistypedError(`"${timeZone}" is no time zone. Give one such as Europe/Berlin.`);
  return { weekday, time, timeZone };
}

async function runSchedule(call: Call): Promise<number> {
  const now = call.now();
  const opensAt = call.read('at', (text) => instantOf(text, now));
  const timeZone = call.text('time-zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const weekly = call.read('weekly', (text) => weeklyOf(text, timeZone));
  const durationMs = call.read('for', durationOf);
  if ((opensAt === null) === (weekly === null))
    throw new MistypedError("Give one of --at TIME and --weekly 'DAY HH:MM'.");
  if (durationMs === null || durationMs > windowDurationMsMax)
    throw new MistypedError(
      `Give --for DURATION: how long it stays open, up to ${durationText(windowDurationMsMax)}.`,
    );
  const maxRequests = call.read('max', (text) => countOf(text, 1, 1_000_000));
  const [usernamePattern, note] = [call.text('pattern'), call.text('note')];
  const sources = call.all('source').map(cidrOf);
  const { body, text } = await (await signedIn(call)).send<Schedule>('POST', path, {
    ...(opensAt !== null && { opensAt }),
    ...(weekly !== null && { weekly }),
    durationMs,
    ...(maxRequests !== null && { maxRequests }),
    ...(usernamePattern !== null && { usernamePattern }),
    ...(sources.length > 0 && { sources }),
    ...(note !== null && { note }),
  });
  if (call.json) call.terminal.json(text);
  else {
    call.terminal.line(
      { text: 'Scheduled', style: 'good' },
      `: ${whenText(body)}, for ${durationText(body.durationMs)} (${limitsText(body)}). Next: ${nextText(body, now)}.`,
    );
    call.terminal.line(`Cancel with: gatebook windows cancel ${body.scheduleId}`);
  }
  return exitCodes.done;
}

async function runCancel(call: Call): Promise<number> {
  const [scheduleId = ''] = call.positionals;
  await (await signedIn(call)).send('DELETE', `${path}/${encodeURIComponent(scheduleId)}`);
  if (!call.json)
    call.terminal.line(
      'Cancelled. A window that it opened already goes on: close it with gatebook lock.',
    );
  return exitCodes.done;
}

export const windowScheduleCommands: readonly Command[] = [
  {
    name: 'windows list',
    summary: 'see when the registry opens by itself',
    positionals: '',
    options: { all: { help: 'also those that are over or cancelled' }, ...listOptions },
    examples: ['gatebook windows'],
    run: runList,
  },
  {
    name: 'windows schedule',
    summary: 'have the registry opened at a time ahead, or each week',
    positionals: '',
    options: {
      at: {
        value: 'TIME',
        help: 'once: 06:00, tomorrow 06:00, a duration from now, or an instant',
      },
      weekly: { value: "'DAY HH:MM'", help: 'each week, by the clock on the wall' },
      'time-zone': { value: 'ZONE', help: "of --weekly (default: this machine's)" },
      for: { value: 'DURATION', help: 'how long, up to 24h' },
      max: { value: 'N', help: 'how many requests at most (default 100)' },
      pattern: { value: 'GLOB', help: "which names may ask: 'press-*'" },
      source: {
        value: 'CIDR',
        many: true,
        help: 'from where they may ask: a network or an address (repeatable)',
      },
      note: { value: 'T', help: 'kept in the log' },
    },
    notes: [
      'It opens only while you may unlock, and locks by itself.',
      'A window that is open then goes on as it is; this one opens for what is left after it.',
    ],
    examples: [
      "gatebook windows schedule --weekly 'sunday 02:00' --time-zone Europe/Berlin --for 2h",
      "gatebook windows schedule --at 2026-12-01T06:00:00Z --for 30m --pattern 'press-*' --max 20",
    ],
    run: runSchedule,
  },
  {
    name: 'windows cancel',
    summary: 'have it opened no more',
    positionals: 'ID',
    options: {},
    examples: ['gatebook windows cancel 3f0c…'],
    run: runCancel,
  },
];
