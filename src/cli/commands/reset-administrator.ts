/** For operators: `reset-administrator`, when nobody can sign in any more. */
import { Username } from '../../../domain/values.ts';
import { parseConfig } from '../../config/config.ts';
import { personNameTest } from '../../config/sso.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import { startFault } from './serve.ts';

/** People of the identity provider have no password here. */
const ofPerson = (username: string) =>
  usageFault(`${username} signs in at the identity provider, and has no password here.`, [
    'Give another name: the account for when the identity provider is away.',
  ]);

const isRefusedForPerson = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'user-from-sso';

async function runReset(call: Call): Promise<number> {
  const config = parseConfig(call.environment);
  const [username = config.adminUsername] = call.positionals;
  if (!Username.safeParse(username).success)
    throw usageFault(`"${username}" is no username.`, [
      'Give 3 to 128 of A-Z a-z 0-9 . _ @ : - that start with a letter or digit.',
    ]);
  if (personNameTest(config.sso)(username)) throw ofPerson(username);
  const { resetAdministratorOf } = await import('../../main.ts');
  let password: string;
  try {
    password = await resetAdministratorOf(config, username);
  } catch (error) {
    if (isRefusedForPerson(error)) throw ofPerson(username);
    throw startFault(error, config.dataDir);
  }
  if (call.json) call.terminal.json(JSON.stringify({ username, password }));
  else {
    call.terminal.line(`Made ${username} an administrator. The history tells of it.`);
    call.terminal.line(`Password (shown this once): ${password}`);
  }
  return exitCodes.done;
}

export const resetCommands: readonly Command[] = [
  {
    name: 'reset-administrator',
    summary: 'make a name an administrator with a new password (the service must be stopped)',
    positionals: '[NAME]',
    options: { json: { help: 'print username and password' } },
    notes: [
      'NAME is GATEBOOK_ADMIN_USERNAME (admin) where it is left out; it may be new, suspended, revoked or expired.',
      'Passwords, tokens and sign-ins of before end. Reads the same environment variables as gatebook serve.',
    ],
    examples: [
      'gatebook reset-administrator',
      'GATEBOOK_DATA_DIR=/var/lib/gatebook gatebook reset-administrator ada --json',
    ],
    run: runReset,
  },
];
