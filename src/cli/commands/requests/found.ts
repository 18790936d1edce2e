/** Finds the request that a name or an id stands for. */
import type { Request } from '../../../api/output.ts';
import { everyItem } from '../../client/lists.ts';
import { ProblemAnswered } from '../../client/problem.ts';
import type { Registry } from '../../client/registry-client.ts';
import { CommandFailed, exitCodes } from '../../command.ts';
import { requestsPath } from './globs.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The request of that id, else the waiting one of that name, else its latest. */
export async function foundRequest(registry: Registry, wanted: string): Promise<Request> {
  if (uuid.test(wanted)) {
    try {
      return (await registry.get<Request>(`${requestsPath}/${wanted}`)).body;
    } catch (error) {
      // It may be a name that looks like an id.
      if (!(error instanceof ProblemAnswered) || error.problem.status !== 404) throw error;
    }
  }
  for (const status of ['pending', null])
    for await (const request of everyItem<Request>(registry, requestsPath, { status, q: wanted }))
      if (request.username === wanted) return request;
  throw new CommandFailed(exitCodes.refused, `There is no request of ${wanted}.`, [
    'See all requests with: gatebook requests --status all',
  ]);
}
