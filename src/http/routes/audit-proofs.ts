/** What an auditor checks the log with: checkpoints, proofs, the export and the key of them. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { named } from '../../api/output.ts';
import type { App } from '../../app.ts';
import { Refused } from '../../commands/refused.ts';
import { malformed, Problem } from '../response/problem.ts';
import { ok, type Route, route } from '../route.ts';

const group = 'Audit';

/** A whole number as a query parameter has it. */
const SentNumber = z
  .string()
  .refine((text) => /^(?:0|[1-9]\d{0,14})$/.test(text), { message: 'must be a whole number' })
  .transform(Number)
  .meta({ type: 'integer', minimum: 0 });

const InclusionQuery = z.strictObject({ index: SentNumber, size: SentNumber.optional() });
const ConsistencyQuery = z.strictObject({ from: SentNumber, to: SentNumber.optional() });
const ExportQuery = z.strictObject({ from: SentNumber.optional() });

const Hash = z.string().describe('32 bytes in base64.');
const Count = z.int().min(0);

const InclusionProof = named(
  'InclusionProof',
  z.strictObject({
    index: Count,
    size: Count,
    leafHash: Hash,
    rootHash: Hash,
    hashes: z.array(Hash),
  }),
);
const ConsistencyProof = named(
  'ConsistencyProof',
  z.strictObject({ from: Count, to: Count, hashes: z.array(Hash) }),
);

/** @throws Problem 400 where a number of the query lies outside what the log holds */
function within(parameter: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  const detail =
    most < least
      ? `${parameter} names an event, and a log of that size has none.`
      : `${parameter} must be from ${least} to ${most} here.`;
  throw malformed([{ parameter, detail }]);
}

/** @throws Problem 500 where the log is not the one that was signed before */
function signedNow({ audit }: Pick<App, 'audit'>): string {
  const fault = audit.checkpoints.fault();
  if (fault === null) return audit.checkpoints.current();
  throw new Problem('internal-error', {
    detail: `Nothing is signed: ${fault.message}. Where it differs, "gatebook verify" tells from an export and an older checkpoint.`,
  });
}

/** Each portion is given to who may have it then. @throws what `authorize` throws */
async function* portionsFor<Portion>(
  authorize: () => unknown,
  first: Portion,
  others: AsyncIterable<Portion>,
) {
  yield first;
  for await (const portion of others) {
    authorize();
    yield portion;
  }
}

type ProofApp = Pick<App, 'audit' | 'logger'>;

const signing = (app: ProofApp): Route[] => [
  route({
    method: 'GET',
    path: '/.well-known/checkpoint-key',
    group,
    operationId: 'checkpointKey',
    summary: 'The key that checkpoints and reports are signed with',
    access: 'open',
    answers: { 200: { description: 'A C2SP verifier key.', type: 'text/plain' } },
    handle: () => ({
      status: 200,
      body: `${app.audit.verifierKey}\n`,
      type: 'text/plain; charset=utf-8',
    }),
  }),
  route({
    method: 'GET',
    path: '/api/audit/checkpoint',
    group,
    operationId: 'checkpoint',
    summary: 'The size and root of the log as it is now, signed',
    access: 'permitted',
    answers: { 200: { description: 'A C2SP signed note.', type: 'text/plain' } },
    handle: () => ({ status: 200, body: signedNow(app), type: 'text/plain; charset=utf-8' }),
  }),
];

const proving = (app: ProofApp): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/proofs/inclusion',
    group,
    operationId: 'inclusionProof',
    summary: 'That an event is in the log of a size (RFC 9162)',
    description: 'Without a size: in the log as it is now.',
    access: 'permitted',
    query: InclusionQuery,
    answers: { 200: { description: 'The proof, from the leaf up.', body: InclusionProof } },
    handle({ query }) {
      const { tree } = app.audit;
      const size = within('size', query.size ?? tree.size(), 0, tree.size());
      return ok(app.audit.inclusion(within('index', query.index, 0, size - 1), size));
    },
  }),
  route({
    method: 'GET',
    path: '/api/audit/proofs/consistency',
    group,
    operationId: 'consistencyProof',
    summary: 'That the log of one size begins with that of a smaller one (RFC 9162)',
    description: 'Without to: the log as it is now.',
    access: 'permitted',
    query: ConsistencyQuery,
    answers: { 200: { description: 'The proof.', body: ConsistencyProof } },
    handle({ query }) {
      const { tree } = app.audit;
      const to = within('to', query.to ?? tree.size(), 0, tree.size());
      return ok(app.audit.consistency(within('from', query.from, 1, to), to));
    },
  }),
];

const exporting = (app: ProofApp): Route[] => [
  route({
    method: 'GET',
    path: '/api/audit/export',
    group,
    operationId: 'exportEvents',
    summary: 'Every event as it is stored, a line each',
    description:
      'Line k is exactly the leaf of event k: sha256(0x00 ‖ line) is its leaf hash. No secrets; personal fields stay sealed.',
    access: 'permitted',
    query: ExportQuery,
    answers: { 200: { description: 'NDJSON.', type: 'application/x-ndjson' } },
    async handle({ query, authorize, signal }) {
      const { tree } = app.audit;
      const from = within('from', query.from ?? 0, 0, tree.size());
      const portions = app.audit.exportFrom(from);
      // A log that cannot be read at all is a problem, and not an answer that breaks off.
      const first = await portions.next();
      const lines = Readable.from(first.done ? [] : portionsFor(authorize, first.value, portions), {
        objectMode: false,
        highWaterMark: 1,
        signal,
      });
      lines.on('error', (error) => {
        const reason: unknown = signal.aborted ? signal.reason : error;
        if (reason instanceof Refused)
          app.logger.info('An export was ended: its caller may have it no more', {
            code: reason.code,
            from,
          });
        // Whoever goes away in the middle goes on later: that is no fault of the service.
        else if (!signal.aborted) app.logger.error('An export broke off', { error, from });
      });
      return { status: 200, body: lines, type: 'application/x-ndjson' };
    },
  }),
];

export const proofRoutes = (app: ProofApp): Route[] => [
  ...signing(app),
  ...proving(app),
  ...exporting(app),
];
