/** Preauthorizations: who is let in, kept out or may ask without a window, said beforehand. */
import {
  ByPreauthorizationId,
  CreatePreauthorization,
  ImportQuery,
  PreauthorizationsQuery,
} from '../../api/input.ts';
import {
  Preauthorization,
  PreauthorizationImport,
  PreauthorizationList,
  PreauthorizationWithCode,
} from '../../api/output.ts';
import type { App } from '../../app.ts';
import { rulesImportsMax } from '../../limits/http.ts';
import { serial } from '../../platform/serial.ts';
import { commandContext, found } from '../request/command-context.ts';
import {
  type RuleLine,
  ruleFaultsOf,
  ruleLinesOf,
  rulesFile,
  rulesFileColumns,
} from '../request/preauthorization-file.ts';
import { Problem, problemOf } from '../response/problem.ts';
import { created, done, ok, type Route, removed, route } from '../route.ts';

const group = 'Preauthorizations';
const base = '/api/client-registry/preauthorizations';
const one = `${base}/{id}`;

const readingRoutes = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listPreauthorizations',
    summary: 'Preauthorizations',
    access: 'permitted',
    query: PreauthorizationsQuery,
    answers: { 200: { description: 'Newest first.', body: PreauthorizationList } },
    handle: async ({ query }) => ok(await views.preauthorizations(query)),
  }),
  route({
    method: 'GET',
    path: one,
    group,
    operationId: 'showPreauthorization',
    summary: 'One preauthorization',
    access: 'permitted',
    params: ByPreauthorizationId,
    answers: { 200: { description: 'The preauthorization.', body: Preauthorization } },
    problems: ['preauthorization-not-found'],
    handle: ({ params }) =>
      ok(found(views.preauthorization(params.id), 'preauthorization-not-found')),
  }),
];

const changingRoutes = ({ administration, views, now, isPersonName }: App): Route[] => [
  route({
    method: 'POST',
    path: base,
    group,
    operationId: 'createPreauthorization',
    summary: 'Let in, keep out or let ask, beforehand',
    description:
      'With an enrolment code or the fingerprint of a key it works while locked; without, in open windows alone. It reaches names alone that nobody holds, and never gives HTTP rights.',
    access: 'permitted',
    body: CreatePreauthorization,
    faults: (body) => ruleFaultsOf(body, { at: now(), isPersonName }),
    answers: { 201: { description: 'The new one.', body: PreauthorizationWithCode } },
    problems: ['rights-exceed-own', 'role-not-found', 'preauthorizations-full'],
    async handle(request) {
      const made = await administration.createPreauthorization(
        commandContext(request),
        request.body,
      );
      const { preauthorizationId: id, enrolmentCode } = made;
      const shown = found(views.preauthorization(id), 'preauthorization-not-found');
      return created(made, `${base}/${id}`, { ...shown, enrolmentCode });
    },
  }),
  route({
    method: 'DELETE',
    path: one,
    group,
    operationId: 'withdrawPreauthorization',
    summary: 'Withdraw a preauthorization',
    description: 'Whom it let in stays: revoke them by themselves.',
    access: 'permitted',
    params: ByPreauthorizationId,
    answers: { 204: { description: 'It opens nothing any more.' } },
    problems: ['preauthorization-not-found'],
    handle: async (request) =>
      removed(
        await administration.withdrawPreauthorization(commandContext(request), request.params.id),
      ),
  }),
];

type ImportedItem = PreauthorizationImport['items'][number];

/** What became of each line, in the order of the file; an error that is our own fault is logged and says no more. */
function linesOf(
  { logger, metrics }: App,
  lines: readonly RuleLine[],
  { outcomes }: Awaited<ReturnType<App['administration']['importPreauthorizations']>>,
): ImportedItem[] {
  let made = 0;
  const refused = (line: number, error: unknown): ImportedItem => {
    const problem = problemOf(error) ?? new Problem('internal-error');
    if (problem.code === 'internal-error') logger.error('A rule of many failed', { line, error });
    metrics.refusals.inc({ code: problem.code });
    return {
      line,
      problem: problem.document as Extract<ImportedItem, { problem: unknown }>['problem'],
    };
  };
  return lines.map((read) => {
    if ('problem' in read) return refused(read.line, read.problem);
    const outcome = outcomes[made++];
    if (outcome === undefined || 'error' in outcome) return refused(read.line, outcome?.error);
    const { preauthorizationId, enrolmentCode } = outcome;
    return { line: read.line, preauthorizationId, enrolmentCode };
  });
}

const importRoute = (app: App): Route => {
  const queue = serial();
  let waitingCount = 0;
  return route({
    method: 'POST',
    path: `${base}/import`,
    group,
    operationId: 'importPreauthorizations',
    summary: 'Make many preauthorizations from a CSV file',
    description:
      `A header names the columns, any of ${rulesFileColumns.join(', ')}; lists by ;, permissions as mqtt:readWrite:plant/#, enrolmentCode make. ` +
      'Good lines are made, bad ones are named; a file that is no CSV in UTF-8 makes nothing.',
    access: 'permitted',
    query: ImportQuery,
    upload: rulesFile,
    answers: { 200: { description: 'What became of each line.', body: PreauthorizationImport } },
    problems: ['source-throttled'],
    async handle(request) {
      if (waitingCount >= rulesImportsMax)
        throw new Problem('source-throttled', {
          detail: 'Too many imports wait for one another: try again in a moment.',
        });
      waitingCount += 1;
      try {
        return await queue(async () => {
          const lines = await ruleLinesOf(request.upload, request.contentType, {
            ...{ at: app.now(), isPersonName: app.isPersonName },
          });
          const rules = lines.filter((line) => 'rule' in line);
          const { administration } = app;
          const imported = await administration.importPreauthorizations(
            ...([commandContext(request), rules, request.query.dryRun === true] as const),
          );
          const items = linesOf(app, lines, imported);
          const failed = items.filter((item) => 'problem' in item).length;
          return done(imported, { created: items.length - failed, failed, items });
        });
      } finally {
        waitingCount -= 1;
      }
    },
  });
};

export const preauthorizationRoutes = (app: App): Route[] => [
  ...readingRoutes(app),
  importRoute(app),
  ...changingRoutes(app),
];
