/** Answers the CONNECTs of MQTT clients by the authenticator's decision, every refusal with the same code. */
import type { AedesOptions, AuthenticateError, Client } from 'aedes';
import {
  mqttAnswerTimeoutMs,
  mqttClientIdLengthMax,
  mqttJudgementsMax,
} from '../../limits/mqtt.ts';
import type { Logger } from '../../logger.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import {
  type Authenticator,
  type ConnectAnswer,
  type ConnectAttempt,
  nameOf,
} from '../ports/authenticator.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import type { Attempt } from './attempts.ts';
import type { BrokerConnection } from './session.ts';
import type { Sessions } from './sessions.ts';

export type ConnectOutcome = 'admitted' | 'refused' | 'unavailable';
type ConnectVerdict = 'admitted' | 'refused' | 'taken' | 'full' | 'unavailable' | 'gone';

/** aedes makes such reason codes of the codes of MQTT 3. */
const verdicts: Record<
  Exclude<ConnectVerdict, 'gone'>,
  ConnackVerdict & { outcome: ConnectOutcome }
> = {
  admitted: { isAdmitted: true, code: 0, reasonCode: 0, outcome: 'admitted' },
  refused: { isAdmitted: false, code: 5, reasonCode: 0x87, outcome: 'refused' },
  taken: { isAdmitted: false, code: 2, reasonCode: 0x85, outcome: 'refused' },
  full: { isAdmitted: false, code: 3, reasonCode: 0x88, outcome: 'refused' },
  unavailable: { isAdmitted: false, code: 3, reasonCode: 0x88, outcome: 'unavailable' },
};

const unavailable: ConnectAnswer = { admitted: false, reason: 'unavailable' };

interface JudgingOptions {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  /** Whether somebody has this name and a credential: nobody else connects with it as a client id. */
  readonly isUsername: (name: string) => boolean;
  readonly reached: (limit: MqttLimit) => void;
  readonly logger: Logger | undefined;
  readonly onConnect: ((outcome: ConnectOutcome) => void) | undefined;
  readonly answerTimeoutMs?: number;
}

interface Connecting {
  readonly connectionOf: (client: Client) => BrokerConnection | undefined;
  readonly judge: JudgeConnect;
  /** Begins the session of an admitted connection, a new one, and answers it where it has no answer yet. */
  readonly startNew: (connection: BrokerConnection) => void;
  /** Told of a stored session before it has a subscription on its new connection. */
  readonly resume: (client: Client) => void;
}

export interface ConnackVerdict {
  readonly isAdmitted: boolean;
  /** CONNACK code of MQTT 3 [3.1.1, table 3.1], and of MQTT 5 [MQTT 5, 3.2.2.2]. */
  readonly code: number;
  readonly reasonCode: number;
}

/** Calls back with what the connection is to be answered; not where it is gone. */
export type JudgeConnect = (
  connection: BrokerConnection,
  shown: Pick<ConnectAttempt, 'username' | 'password'>,
  answer: (verdict: ConnackVerdict) => void,
) => void;

/** The authenticator's answer; a fault is `unavailable`, and so is one that is late. */
const answerTo = (
  { authenticator, logger, answerTimeoutMs = mqttAnswerTimeoutMs }: JudgingOptions,
  attempt: ConnectAttempt,
): Soon<ConnectAnswer> => {
  const answer = authenticator.authenticate(attempt);
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, answerTimeoutMs, unavailable);
    const answered = (answer: ConnectAnswer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    answer.then(answered, (error) => {
      logger?.error('An MQTT CONNECT could not be judged', { error });
      answered(unavailable);
    });
  });
};

/** Judges CONNECTs, and gives those that are admitted their session. */
export function judging(options: JudgingOptions): JudgeConnect {
  const { sessions, logger, isUsername, reached, onConnect } = options;

  /** `overtaken`: its rights changed, or its sessions were ended, after the authenticator looked. */
  function claimed(
    connection: BrokerConnection,
    attempt: ConnectAttempt,
    watched: Attempt,
    answer: ConnectAnswer,
  ): Soon<ConnectVerdict | 'overtaken'> {
    if (!answer.admitted) return answer.reason;
    const { admission } = answer;
    if (admission.username !== nameOf(attempt)) {
      logger?.error('An MQTT client was admitted under another username');
      return 'unavailable';
    }
    const { clientId } = connection;
    if (clientId.length > mqttClientIdLengthMax || clientId.includes('\0')) return 'taken';
    const { username, pinnedClientId } = admission;
    if (pinnedClientId !== null && pinnedClientId !== clientId) return 'taken';
    if (pinnedClientId === null && clientId !== username && isUsername(clientId)) {
      reached('client-id');
      return 'taken';
    }
    return soon(sessions.claim(connection, admission, watched), (claim) =>
      claim === 'claimed' ? 'admitted' : claim,
    );
  }

  function judged(
    connection: BrokerConnection,
    attempt: ConnectAttempt,
    judgementsLeft: number,
  ): Soon<ConnectVerdict> {
    if (judgementsLeft === 0) return 'unavailable';
    const watched = sessions.attempt(nameOf(attempt) ?? '');
    const verdict = soon(answerTo(options, attempt), (answer) =>
      claimed(connection, attempt, watched.attempt, answer),
    );
    const orAgain = (verdict: ConnectVerdict | 'overtaken') =>
      verdict === 'overtaken' ? judged(connection, attempt, judgementsLeft - 1) : verdict;
    if (verdict instanceof Promise) return verdict.finally(watched.over).then(orAgain);
    watched.over();
    return orAgain(verdict);
  }

  return (connection, { username, password }, answer) => {
    const { connect, source, certificate } = connection;
    const attempt = {
      ...{ username, password, source, certificate },
      clientId: connect?.clientId ?? '',
      gone: () => connection.goneSignal(),
    };
    const told = (verdict: ConnectVerdict) => {
      if (verdict === 'gone' || (verdict === 'unavailable' && connection.isGone)) return;
      onConnect?.(verdicts[verdict].outcome);
      answer(verdicts[verdict]);
    };
    const verdict = judged(connection, attempt, mqttJudgementsMax);
    if (verdict instanceof Promise)
      verdict.then(told).catch((error) => connection.stream.destroy(error));
    else told(verdict);
  };
}

/** The hooks of aedes, for what it judges and what was judged before it had a part in it. */
export function connecting(
  options: Connecting,
): Required<Pick<AedesOptions, 'preConnect' | 'authenticate'>> {
  const { connectionOf, judge, startNew, resume } = options;
  return {
    preConnect(client, packet, done) {
      const connection = connectionOf(client);
      if (connection === undefined) return done(new Error('not accepted here'), false);
      connection.connect ??= {
        version: packet.protocolVersion as 3 | 4 | 5,
        cleanStart: packet.clean === true,
        clientId: packet.clientId,
        keepAliveSeconds: packet.keepalive ?? 0,
      };
      done(null, true);
    },

    authenticate(client, username, password, done) {
      const connection = connectionOf(client);
      if (connection === undefined) return done(null, false);
      if (connection.sinceMs !== null) return startNew(connection);
      connection.clientId = client.id;
      judge(connection, { username, password }, ({ isAdmitted, code }) => {
        if (!isAdmitted) done(refusal(code), null);
        else if (connection.isResumed) {
          resume(client);
          done(null, true);
        } else startNew(connection);
      });
    },
  };
}

function refusal(returnCode: number): AuthenticateError {
  return Object.assign(new Error('not authorized'), { returnCode }) as AuthenticateError;
}
