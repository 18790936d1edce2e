/** For operators: `brokers`, and `reconcile`, which compares them with the log. */
import type { BrokerShape } from '../../api/brokers.ts';
import type { List } from '../client/lists.ts';
import { unlessWaits } from '../client/proposed.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../command.ts';
import { countText } from '../text/format.ts';

const meanings: Readonly<Record<BrokerShape['drift'][number]['kind'], string>> = {
  stranger: 'the log does not own it: it is left alone',
  missing: 'granted, but its credential is not there',
  rights: 'other rights than were granted',
  enabled: 'open or shut against what the log says',
};

/** All others ask the registry at each connect, and keep nothing that could differ. */
const keepsAccounts = (kind: BrokerShape['kind']): boolean => kind === 'mosquitto';

async function runBrokers(call: Call): Promise<number> {
  const { body, text } = await (await signedIn(call)).get<List<BrokerShape>>('/brokers');
  if (call.json) call.terminal.json(text);
  else
    call.terminal.table(
      ['BROKER', 'KIND', 'STATUS', 'ACCOUNTS', 'BEHIND', 'DIFFERENCES'],
      body.items.map((broker) => [
        { text: broker.name, style: 'strong' },
        broker.kind,
        { text: broker.status, style: broker.status === 'up' ? 'good' : 'bad' },
        keepsAccounts(broker.kind) ? broker.accountCount.toLocaleString('en') : 'none kept',
        countText(broker.lagEvents, 'event'),
        String(broker.drift.length),
      ]),
    );
  return exitCodes.done;
}

async function runReconcile(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const [wanted] = call.positionals;
  const known = (await registry.get<List<BrokerShape>>('/brokers')).body.items;
  const names = known.map(({ name }) => name).filter((name) => (wanted ?? name) === name);
  if (names.length === 0)
    throw new CommandFailed(exitCodes.refused, `There is no broker ${wanted}.`, [
      `There are: ${known.map(({ name }) => name).join(' ')}`,
    ]);
  const repair = call.has('repair');
  const compared: BrokerShape[] = [];
  for (const name of names) {
    const answer = await unlessWaits(call, () =>
      registry.send<BrokerShape>('POST', `/brokers/${name}/reconcile`, { repair }),
    );
    if (answer !== undefined) compared.push(answer.body);
  }
  if (compared.length === 0) return exitCodes.done;
  if (call.json) call.terminal.json(JSON.stringify({ items: compared, nextCursor: null }));
  else for (const broker of compared) say(call, broker);
  const isRight = compared.every(({ status, drift }) => status === 'up' && drift.length === 0);
  return isRight ? exitCodes.done : exitCodes.failed;
}

function say({ terminal }: Call, { name, kind, status, accountCount, drift }: BrokerShape): void {
  if (status === 'down') {
    terminal.line({ text: name, style: 'strong' }, ' is down: nothing was compared.');
    return;
  }
  const found = drift.length === 0 ? 'as the log says' : countText(drift.length, 'difference');
  const held = keepsAccounts(kind)
    ? countText(accountCount, 'account')
    : 'keeps no accounts, it asks the registry at each connect';
  terminal.line({ text: name, style: 'strong' }, `: ${held}, ${found}.`);
  if (drift.length > 0)
    terminal.table(
      ['NAME', 'DIFFERENCE', ''],
      drift.map(({ username, kind }) => [username, { text: kind, style: 'bad' }, meanings[kind]]),
    );
}

export const reconcileCommands: readonly Command[] = [
  {
    name: 'brokers',
    summary: 'brokers, and where they differ from the log',
    positionals: '',
    options: {},
    examples: ['gatebook brokers', 'gatebook brokers --json'],
    run: runBrokers,
  },
  {
    name: 'reconcile',
    summary: 'compare brokers with the log now',
    positionals: '[BROKER]',
    options: { repair: { help: 'put right what the log owns there' } },
    notes: ['Exit code 1 where differences are left. Accounts of others are never touched.'],
    examples: ['gatebook reconcile', 'gatebook reconcile mosquitto --repair'],
    run: runReconcile,
  },
];
