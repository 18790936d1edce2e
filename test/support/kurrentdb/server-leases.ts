/** Persistent subscriptions of the test server: of each group, one subscriber, as the lease asks for it. */
import {
  status as codes,
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type {
  CreateReq,
  CreateResp,
  GetInfoReq,
  GetInfoResp,
  ReadReq,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/persistentsubscriptions_pb.js';
import messages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/persistentsubscriptions_pb.js';
import type { KurrentFaults } from './server-faults.ts';
import { lost } from './server-messages.ts';

type Call = ServerDuplexStream<ReadReq, ReadResp>;

/** What the client knows an error by. */
function refusal(exception: string): object {
  const metadata = new Metadata();
  metadata.set('exception', exception);
  return { code: codes.FAILED_PRECONDITION, details: exception, metadata };
}

export function leasingOf(faults: KurrentFaults) {
  const groups = new Set<string>();
  const holders = new Map<string, Call>();
  return {
    service: {
      create(call: ServerUnaryCall<CreateReq, CreateResp>, answered: sendUnaryData<CreateResp>) {
        if (faults.hangs) return;
        const group = call.request.getOptions()?.getGroupName() ?? '';
        if (groups.has(group)) {
          answered(refusal('persistent-subscription-exists'));
          return;
        }
        groups.add(group);
        answered(null, new messages.CreateResp());
      },
      getInfo(
        call: ServerUnaryCall<GetInfoReq, GetInfoResp>,
        answered: sendUnaryData<GetInfoResp>,
      ) {
        if (faults.hangs) return;
        const group = call.request.getOptions()?.getGroupName() ?? '';
        const info = new messages.SubscriptionInfo();
        info.setGroupName(group);
        if (holders.has(group))
          info.setConnectionsList([new messages.SubscriptionInfo.ConnectionInfo()]);
        answered(null, new messages.GetInfoResp().setSubscriptionInfo(info));
      },
      read(call: Call): void {
        let group = '';
        const off = () => {
          if (holders.get(group) === call) holders.delete(group);
        };
        call.on('cancelled', off).on('close', off).on('error', off).on('end', off);
        call.once('data', (request: ReadReq) => {
          if (faults.hangs) return;
          group = request.getOptions()?.getGroupName() ?? '';
          if (holders.has(group)) {
            call.emit('error', refusal('maximum-subscribers-reached'));
            return;
          }
          holders.set(group, call);
          const confirmed = new messages.ReadResp.SubscriptionConfirmation();
          call.write(
            new messages.ReadResp().setSubscriptionConfirmation(
              confirmed.setSubscriptionId(crypto.randomUUID()),
            ),
          );
        });
      },
    },
    holders: () => holders.size,
    /** Breaks off whoever holds a lease, as a server does that goes away. */
    end(): void {
      for (const call of [...holders.values()]) call.emit('error', lost());
      holders.clear();
    },
  };
}
