/** Signing in at the identity provider from a terminal: a code and an address are shown, and the person is waited for. */
import type { DeviceSignInBegun, DeviceSignInWaiting, IssuedToken } from '../../api/output.ts';
import { pause } from '../../platform/pause.ts';
import { type Call, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { ProblemAnswered } from './problem.ts';
import { type Registry, registryAt } from './registry-client.ts';

/** Seconds between two questions, whatever the registry says. */
const intervalMaxS = 60;

/** What is a password's, and has no meaning beside `--sso`. */
function requireNoPassword(call: Call): void {
  for (const option of ['username', 'hours'])
    if (call.text(option) !== null)
      throw usageFault(`--${option} and --sso do not go together.`, [
        'Who signs in, and for how long, the identity provider and the registry say.',
      ]);
}

/** The route is there where an identity provider is. */
async function begin(registry: Registry) {
  try {
    return await registry.send<DeviceSignInBegun>('POST', '/login/sso');
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || error.problem.code !== 'route-not-found')
      throw error;
    throw new CommandFailed(
      exitCodes.refused,
      `The registry at ${registry.url} knows no identity provider.`,
      [
        'Sign in with a password: gatebook login. To set one up: GATEBOOK_OIDC_ISSUER, docs/single-sign-on.md',
      ],
    );
  }
}

/** @throws CommandFailed where the person did not come, or may not */
export async function signInThere(call: Call, url: string): Promise<IssuedToken> {
  requireNoPassword(call);
  const registry = registryAt(url, null);
  const { body: begun } = await begin(registry);
  const { userCode, verificationUri, deviceCode } = begun;
  // To stderr: stdout is for what a program reads.
  call.terminal.error(`Open     ${verificationUri}`);
  call.terminal.error(`Enter    ${userCode}`);
  call.terminal.error(
    'Only if you began this sign-in yourself. Waiting for you there (Ctrl-C ends it) …',
  );
  for (let waitS = begun.intervalS; ; ) {
    await pause(Math.min(Math.max(waitS, 1), intervalMaxS) * 1_000, new AbortController().signal);
    const { body } = await registry.send<IssuedToken | DeviceSignInWaiting>(
      ...(['POST', '/login/sso/token', { deviceCode }] as const),
    );
    if (!('status' in body)) return body;
    waitS = body.intervalS;
  }
}
