/** Who the command line is to the registry: a token from somewhere, and the file that `login` keeps it in. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { IssuedToken } from '../../api/output.ts';
import { makeFolder, writePrivateFile } from '../../platform/private-file.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { firstLineOfStdin, promptLine, promptSecret } from '../terminal/prompt.ts';
import { agoText, dateTimeText } from '../text/format.ts';
import { countOf } from '../text/parse.ts';
import { signInHint } from './problem.ts';
import { type Registry, registryAt, registryUrl } from './registry-client.ts';
import { signInThere } from './sign-on.ts';

/** Hours that a token lives which was made for one call. */
const callHours = 1;

/** The registry as the person who is signed in, or as nobody. @throws CommandFailed */
export async function signedIn(call: Call): Promise<Registry> {
  const { settings } = call;
  const url = registryUrl(call.text('url') ?? settings.url);
  const token = call.text('token') ?? settings.token;
  if (token !== null) return registryAt(url, checkedToken(token));
  if (settings.username !== null && settings.password !== null) {
    const { username, password } = settings;
    const issued = await login(url, username, password, callHours, 'command line, one call');
    return registryAt(url, issued.token);
  }
  if (settings.username !== null || settings.password !== null)
    throw usageFault('GATEBOOK_USERNAME and GATEBOOK_PASSWORD go together; one is not set.', [
      signInHint,
    ]);
  const saved = (await readLogins(call))[url];
  // Whether anybody is there at all is worth more than that nobody signed in: the registry says which.
  if (saved === undefined) return registryAt(url, null);
  if (Date.parse(saved.expiresAt) <= call.now().getTime())
    throw new CommandFailed(
      exitCodes.notAllowed,
      `Your login at ${url} ended ${agoText(saved.expiresAt, call.now())} ago.`,
      [signInHint],
    );
  return registryAt(url, checkedToken(saved.token));
}

function checkedToken(token: string): string {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw usageFault('The token holds characters that no token has.', [signInHint]);
  return token;
}

async function login(
  url: string,
  username: string,
  password: string,
  hours: number,
  label: string,
): Promise<IssuedToken> {
  const answer = await registryAt(url, null).send<IssuedToken>('POST', '/login', {
    username,
    password,
    expireTimeInHours: hours,
    label,
  });
  return answer.body;
}

interface SavedLogin {
  readonly username: string;
  readonly token: string;
  readonly tokenId: string;
  readonly expiresAt: string;
}
type SavedLogins = Readonly<Record<string, SavedLogin>>;

function loginsPath({ settings }: Call): string {
  if (settings.configFolder === null)
    throw usageFault(
      'There is no folder to keep a login in: neither HOME nor XDG_CONFIG_HOME is set.',
      ['Set GATEBOOK_TOKEN, or GATEBOOK_USERNAME and GATEBOOK_PASSWORD instead.'],
    );
  return join(settings.configFolder, 'gatebook', 'credentials.json');
}

async function readLogins(call: Call): Promise<SavedLogins> {
  if (call.settings.configFolder === null) return {};
  const path = loginsPath(call);
  try {
    const content: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof content === 'object' && content !== null) return content as SavedLogins;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return {};
  }
  throw new CommandFailed(exitCodes.failed, `${path} cannot be read.`, [
    'Remove it, and sign in again with: gatebook login',
  ]);
}

async function writeLogins(call: Call, logins: SavedLogins): Promise<string> {
  const path = loginsPath(call);
  makeFolder(dirname(path));
  await writePrivateFile(path, `${JSON.stringify(logins, null, 2)}\n`);
  return path;
}

/** By name and password: given, asked for on a terminal, or the password on stdin. */
async function loginByPassword(call: Call, url: string): Promise<IssuedToken> {
  const { settings } = call;
  const isPerson = process.stdin.isTTY === true;
  const username =
    call.text('username') ??
    settings.username ??
    (isPerson ? await promptLine('Username: ') : null);
  if (username === null || username === '')
    throw usageFault('Who signs in? stdin is no terminal, so nobody can be asked.', [
      'Give --username NAME, and the password on stdin.',
    ]);
  const password =
    settings.password ?? (isPerson ? await promptSecret('Password: ') : await firstLineOfStdin());
  const hours = call.read('hours', (text) => countOf(text, 1, 100_000)) ?? 12;
  return await login(url, username, password, hours, `gatebook login on ${hostname()}`);
}

async function runLogin(call: Call): Promise<number> {
  const { settings, terminal } = call;
  const url = registryUrl(call.text('url') ?? settings.url);
  const logins = await readLogins(call);
  const issued = call.has('sso') ? await signInThere(call, url) : await loginByPassword(call, url);
  const { token, tokenId, expiresAt } = issued;
  const path = await writeLogins(call, {
    ...logins,
    [url]: { username: issued.username, token, tokenId, expiresAt },
  });
  if (call.json) {
    const { token: _secret, ...rest } = issued;
    terminal.json(JSON.stringify(rest));
  } else
    terminal.line(
      `Signed in at ${url} as ${issued.username} until ${dateTimeText(expiresAt)}. Kept in ${path} (mode 0600).`,
    );
  return exitCodes.done;
}

async function runLogout(call: Call): Promise<number> {
  const url = registryUrl(call.text('url') ?? call.settings.url);
  const { [url]: saved, ...others } = await readLogins(call);
  if (saved === undefined) {
    call.terminal.line(`Nobody was signed in at ${url}.`);
    return exitCodes.done;
  }
  await writeLogins(call, others);
  // The token ends here even when the registry cannot be told; it ends there by itself.
  const isRevoked = await registryAt(url, saved.token)
    .send('DELETE', `/tokens/${encodeURIComponent(saved.tokenId)}`)
    .then(() => true)
    .catch(() => false);
  call.terminal.line(
    isRevoked
      ? `Signed out at ${url}; the token is revoked.`
      : `Signed out here. The registry could not be told; the token ends ${dateTimeText(saved.expiresAt)}.`,
  );
  return exitCodes.done;
}

export const signInCommands: readonly Command[] = [
  {
    name: 'login',
    summary: 'sign in, and keep the token for later calls',
    positionals: '',
    options: {
      username: { value: 'NAME', help: 'who signs in (asked for when missing)' },
      hours: { value: 'N', help: 'how long the login lasts (default 12)' },
      sso: { help: 'sign in at the identity provider: shows a code and where to enter it' },
    },
    notes: [
      'Asks for the password on a terminal, else reads it from stdin.',
      'The token is kept per address in $XDG_CONFIG_HOME/gatebook/credentials.json, mode 0600.',
    ],
    examples: [
      'gatebook login',
      'gatebook login --sso',
      'gatebook login --username admin < password.txt',
    ],
    run: runLogin,
  },
  {
    name: 'logout',
    summary: 'end the login that is kept',
    positionals: '',
    options: {},
    examples: ['gatebook logout'],
    run: runLogout,
  },
];
