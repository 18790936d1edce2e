/** Several approvers at the start: the number is recorded, too few people are warned of, what was approved is done. */
import { policy, policyId } from '../../domain/approvals/policy.ts';
import { system } from '../../domain/values.ts';
import type { ClientRow } from '../../projections/clients.ts';
import type { App } from '../app.ts';
import { handle, newCause } from '../commands/handle.ts';
import { carryOutApproved } from '../http/server.ts';
import { carryOutEveryMs, carryOutOlderThanMs } from '../limits/administration.ts';
import type { Logger } from '../logger.ts';
import { addMs } from '../platform/instant.ts';
import { pause } from '../platform/pause.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { EventStore } from '../store/event-store.ts';
import { isShared } from '../store/location.ts';

interface ApprovalStartOptions {
  readonly store: EventStore;
  readonly logger: Logger;
  readonly now: () => string;
  readonly clients: Rows<ClientRow>;
}

/** The log's newest number is in force on every node; a node that is started with another changes it for all. */
export async function requireApprovals(
  { config, readModels }: Pick<App, 'config' | 'readModels'>,
  { store, logger, now }: ApprovalStartOptions,
): Promise<void> {
  const { needed } = config.approvals;
  const { position } = await handle(
    store,
    policy,
    policyId,
    { type: 'RequireApprovals', needed, at: now(), by: system },
    newCause(),
  );
  if (position !== null) {
    logger.info('Decisions need another number of people from now on', { needed });
    await readModels.reached(position, 10_000);
  }
}

/** Narrowing and looking work without them; the number does not shrink with them. */
export function warnOfFewAdministrators(
  { config }: Pick<App, 'config'>,
  { logger, clients }: ApprovalStartOptions,
): void {
  const { needed } = config.approvals;
  const administrators = clients.count([{ column: 'lastingAdministrator', is: 1 }], needed);
  if (administrators < needed)
    logger.warn(
      'Fewer administrators than decisions need: nothing that widens access can be approved. Stop the service and run "gatebook reset-administrator NAME" to make another',
      { needed, administrators },
    );
}

/** Runs until the signal aborts: what was approved and is not done, as a crash may leave it, is done. */
export async function startCarryingOut(
  app: App,
  { logger, now }: Pick<ApprovalStartOptions, 'logger' | 'now'>,
  signal: AbortSignal,
): Promise<void> {
  // Where the log is this node's alone, nobody else is at it now.
  for (
    let ageMs = isShared(app.config) ? carryOutOlderThanMs : 0;
    !signal.aborted;
    ageMs = carryOutOlderThanMs
  ) {
    try {
      await carryOutApproved(app, addMs(now(), -ageMs));
    } catch (error) {
      if (!signal.aborted)
        logger.warn('What was approved could not be carried out; trying again', { error });
    }
    await pause(carryOutEveryMs, signal);
  }
}
