/** What the test server says of the nodes of its cluster. */
import messages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb.js';
import shared from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';

export interface Member {
  readonly port: number;
  readonly leads: boolean;
}

export function clusterInfo(members: readonly Member[]) {
  const info = new messages.ClusterInfo();
  return info.setMembersList(
    members.map(({ port, leads }) => {
      const { LEADER, FOLLOWER } = messages.MemberInfo.VNodeState;
      const endPoint = new messages.EndPoint().setAddress('127.0.0.1').setPort(port);
      return new messages.MemberInfo()
        .setInstanceId(new shared.UUID().setString(crypto.randomUUID()))
        .setState(leads ? LEADER : FOLLOWER)
        .setIsAlive(true)
        .setHttpEndPoint(endPoint);
    }),
  );
}
