/** Who may read personal fields: for commands that would do something else for who may not. */
import { compiled, mayCall } from '../../../domain/matching.ts';
import type { User } from '../../api/output.ts';
import { CommandFailed, exitCodes } from '../command.ts';
import type { Registry } from './registry-client.ts';

const path = '/api/personal-data';

/** @throws CommandFailed for who would be shown empty fields; `option` is what needs them, `instead` what to do */
export async function requirePersonalData(
  registry: Registry,
  option: string,
  instead: string,
): Promise<void> {
  const { body } = await registry.get<User>('/whoami');
  if (mayCall(compiled(body.effectivePermissions), path.split('/'), 'read')) return;
  throw new CommandFailed(
    exitCodes.notAllowed,
    `${option} needs read on ${path}; an administrator can give it.`,
    [instead],
  );
}
