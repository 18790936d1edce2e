/** The writing half of the test server: appends of both kinds and tombstones, with faults on request. */
import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { UUID as Uuid } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
  TombstoneReq,
  TombstoneResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import streams from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type { KurrentFaults } from './server-faults.ts';
import type { KurrentLog, Message, Written } from './server-log.ts';
import {
  expectedBy,
  lost,
  messageFrom,
  refusal,
  streamDeleted,
  streamName,
  uuidText,
} from './server-messages.ts';

type Duplex = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

interface Batch {
  readonly options: BatchAppendReq.Options;
  readonly messages: Message[];
}

export function writingOf(log: KurrentLog, faults: KurrentFaults) {
  function perform({ options, messages }: Batch): BatchAppendResp {
    const stream = streamName(options.getStreamIdentifier());
    const expected = expectedBy(options);
    const written = log.append(stream, expected, messages);
    const answer = new streams.BatchAppendResp();
    if (written.result === 'written') return answer.setSuccess(batchSuccess(written));
    if (written.result === 'wrong-version')
      return answer.setError(refusal({ current: written.current, expected }, stream));
    return answer.setError(refusal(written.result, stream));
  }

  function finish(call: Duplex, batch: Batch, correlation: Uuid | undefined): void {
    const fault = faults.appends.shift() ?? 'none';
    const send = (answer: BatchAppendResp) => {
      answer.setStreamIdentifier(batch.options.getStreamIdentifier());
      call.write(answer.setCorrelationId(correlation));
    };
    if (faults.hangs || fault === 'hang') return;
    if (fault === 'busy') send(new streams.BatchAppendResp().setError(refusal('busy', '')));
    else if (fault === 'lose-request') call.emit('error', lost());
    else {
      const answer = perform(batch);
      if (fault === 'lose-answer') call.emit('error', lost());
      else if (fault === 'none') send(answer);
    }
  }

  return {
    batchAppend(call: Duplex): void {
      const open = new Map<string, Batch>();
      call.on('data', (request: BatchAppendReq) => {
        const correlation = request.getCorrelationId();
        const key = uuidText(correlation);
        const options = request.getOptions();
        if (options) open.set(key, { options, messages: [] });
        const batch = open.get(key);
        batch?.messages.push(...request.getProposedMessagesList().map(messageFrom));
        if (!batch || !request.getIsFinal()) return;
        open.delete(key);
        finish(call, batch, correlation);
      });
      call.on('end', () => call.end());
    },

    tombstone(
      call: ServerUnaryCall<TombstoneReq, TombstoneResp>,
      answered: sendUnaryData<TombstoneResp>,
    ): void {
      if (faults.hangs) return;
      const stream = streamName(call.request.getOptions()?.getStreamIdentifier());
      const written = log.tombstone(stream);
      if (written.result !== 'written') answered(streamDeleted(stream));
      else if (faults.tombstones.shift() === 'lose-answer') answered(lost());
      else {
        const position = new streams.TombstoneResp.Position();
        position.setCommitPosition(String(written.position));
        position.setPreparePosition(String(written.position));
        answered(null, new streams.TombstoneResp().setPosition(position));
      }
    },
  };
}

function batchSuccess({ revision, position }: Extract<Written, { result: 'written' }>) {
  const all = new shared.AllStreamPosition();
  all.setCommitPosition(String(position));
  all.setPreparePosition(String(position));
  const success = new streams.BatchAppendResp.Success();
  success.setCurrentRevision(String(revision));
  return success.setPosition(all);
}
