/** Answers the CONNECTs of MQTT clients by the authenticator's decision, every refusal with the same code. */
import type { AedesOptions, AuthenticateError, Client } from 'aedes';
import {
  mqttAnswerTimeoutMs,
  mqttClientIdLengthMax,
  mqttJudgementsMax,
} from '../../limits/mqtt.ts';
import type { Logger } from '../../logger.ts';
import type { Soon } from '../../platform/soon.ts';
import {
  type Authenticator,
  type ConnectAnswer,
  type ConnectAttempt,
  nameOf,
} from '../ports/authenticator.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import type { BrokerConnection } from './session.ts';
import type { Sessions } from './sessions.ts';

export type ConnectOutcome = 'admitted' | 'refused' | 'unavailable';
type ConnectVerdict = 'admitted' | 'refused' | 'taken' | 'full' | 'unavailable' | 'gone';

/** CONNACK codes of MQTT 3 [3.1.1, table 3.1]; aedes makes 0x87, 0x85 and 0x88 of them for MQTT 5. */
const connackCode = { refused: 5, taken: 2, full: 3, unavailable: 3 };
const outcomeOf: Record<Exclude<ConnectVerdict, 'gone'>, ConnectOutcome> = {
  admitted: 'admitted',
  refused: 'refused',
  taken: 'refused',
  full: 'refused',
  unavailable: 'unavailable',
};

const unavailable: ConnectAnswer = { admitted: false, reason: 'unavailable' };

interface Connecting {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly connectionOf: (client: Client) => BrokerConnection | undefined;
  /** Whether somebody has this name and a credential: nobody else connects with it as a client id. */
  readonly isUsername: (name: string) => boolean;
  readonly reached: (limit: MqttLimit) => void;
  readonly logger: Logger | undefined;
  readonly onConnect: ((outcome: ConnectOutcome) => void) | undefined;
  /** Answers an admitted CONNECT whose session is new. */
  readonly startNew: (connection: BrokerConnection) => void;
  readonly answerTimeoutMs?: number;
}

/** The authenticator's answer; a fault is `unavailable`, and so is one that is late. */
const answerTo = (
  { authenticator, logger, answerTimeoutMs = mqttAnswerTimeoutMs }: Connecting,
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

async function judge(
  options: Connecting,
  connection: BrokerConnection,
  attempt: ConnectAttempt,
): Promise<ConnectVerdict> {
  const { sessions, logger, isUsername, reached } = options;
  for (let judgement = 0; judgement < mqttJudgementsMax; judgement++) {
    const watched = sessions.attempt(nameOf(attempt) ?? '');
    try {
      const answer = await answerTo(options, attempt);
      if (!answer.admitted) return answer.reason;
      const { admission } = answer;
      if (admission.username !== nameOf(attempt)) {
        logger?.error('An MQTT client was admitted under another username');
        return 'unavailable';
      }
      const { id } = connection.client;
      if (id.length > mqttClientIdLengthMax || id.includes('\0')) return 'taken';
      const { username, pinnedClientId } = admission;
      if (pinnedClientId !== null && pinnedClientId !== id) return 'taken';
      if (pinnedClientId === null && id !== username && isUsername(id)) {
        reached('client-id');
        return 'taken';
      }
      // Overtaken: its rights changed, or its sessions were ended, after the authenticator looked.
      const claim = await sessions.claim(connection, admission, watched.attempt);
      if (claim !== 'overtaken') return claim === 'claimed' ? 'admitted' : claim;
    } finally {
      watched.over();
    }
  }
  return 'unavailable';
}

export function connecting(
  options: Connecting,
): Required<Pick<AedesOptions, 'preConnect' | 'authenticate'>> {
  const { connectionOf, onConnect } = options;
  return {
    preConnect(client, packet, done) {
      const connection = connectionOf(client);
      if (connection === undefined) return done(new Error('not accepted here'), false);
      connection.connect = {
        cleanStart: packet.clean === true,
        clientId: packet.clientId,
        keepAliveSeconds: packet.keepalive ?? 0,
      };
      done(null, true);
    },

    authenticate(client, username, password, done) {
      const connection = connectionOf(client);
      if (connection === undefined) return done(null, false);
      const attempt = {
        username,
        password,
        clientId: connection.connect?.clientId ?? '',
        source: connection.source,
        certificate: connection.certificate,
      };
      judge(options, connection, attempt)
        .then((verdict) => {
          if (verdict === 'gone') return;
          onConnect?.(outcomeOf[verdict]);
          if (verdict !== 'admitted') done(refusal(connackCode[verdict]), null);
          else if (connection.isResumed) done(null, true);
          else options.startNew(connection);
        })
        .catch((error) => client.emit('error', error));
    },
  };
}

function refusal(returnCode: number): AuthenticateError {
  return Object.assign(new Error('not authorized'), { returnCode }) as AuthenticateError;
}
