/** One client's connection through the gateway: its CONNECT, the broker's answer, and the bytes of both after that. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  gatewayLingerMs,
  gatewayStalledMs,
  gatewayUpstreamTimeoutMs,
} from '../../limits/brokers.ts';
import {
  mqttAnswerTimeoutMs,
  mqttClientIdLengthMax,
  mqttConnectBytesMax,
  mqttConnectTimeoutMs,
} from '../../limits/mqtt.ts';
import type { Logger } from '../../logger.ts';
import type { Soon } from '../../platform/soon.ts';
import type { Authenticator, ShownCertificate } from '../ports/authenticator.ts';
import type { ClientIds } from './client-ids.ts';
import { type EarlyAnswer, earlyAnswer, type Judging } from './judging.ts';
import {
  answerIn,
  type ConnectSeen,
  connectIn,
  isRefusal,
  refusedAnswer,
  takenAnswer,
  unavailableAnswer,
  withCredentials,
} from './packets.ts';
import { type Ends, proxyHeader } from './proxy-protocol.ts';
import { connectUpstream, nextChunk, type Upstream } from './upstream.ts';

export type GatewayOutcome = 'admitted' | 'refused' | 'unavailable';

export interface ConnectionOptions {
  readonly upstream: Upstream;
  /** Called for each CONNECT that the broker refused; its answer changes nothing for the client. */
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** Absent: certificates are not looked at. */
  readonly judging?: Judging;
  /** Whose client ids are whose; absent: the broker's own business. */
  readonly clientIds?: ClientIds;
  /** Sends the broker each client's address by PROXY protocol, version 2. */
  readonly proxyProtocol?: boolean;
  readonly onConnect?: (outcome: GatewayOutcome) => void;
  /** Told of the name that the broker let in, and again when its connection ends. */
  readonly onSeen?: (username: string, how: 'opened' | 'closed') => void;
  /** Other times than the named limits, so that a test can reach them. */
  readonly timeouts?: Partial<typeof defaultTimeouts>;
}

export const defaultTimeouts = {
  connectMs: mqttConnectTimeoutMs,
  upstreamMs: gatewayUpstreamTimeoutMs,
  answerMs: mqttAnswerTimeoutMs,
  lingerMs: gatewayLingerMs,
  stalledMs: gatewayStalledMs,
};

const answers = { refused: refusedAnswer, taken: takenAnswer, unavailable: unavailableAnswer };

export class ProxiedConnection {
  readonly #options: ConnectionOptions;
  readonly #timeouts: typeof defaultTimeouts;
  readonly #client: Duplex;
  readonly #ends: Ends;
  readonly #source: string | null;
  /** That the client showed in its handshake; null: none of this registry's. */
  readonly certificate: ShownCertificate | null;
  /** Whom the broker let in; null: nobody yet. */
  connectedAs: string | null = null;
  #upstream: Socket | undefined;
  /** The client is to be sent an answer still, whatever happens to the broker's connection. */
  #owesAnswer = false;

  constructor(
    options: ConnectionOptions,
    client: Duplex,
    ends: Ends,
    from: { readonly source: string | null; readonly certificate: ShownCertificate | null },
  ) {
    this.#options = options;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#client = client;
    // Read at once: a socket that was closed meanwhile has no addresses any more.
    const { remoteAddress, remotePort, localAddress, localPort } = ends;
    this.#ends = { remoteAddress, remotePort, localAddress, localPort };
    this.#source = from.source;
    this.certificate = from.certificate;
    client.on('error', () => {});
  }

  /** Closes both sides at once. */
  end(): void {
    this.#client.destroy();
    this.#upstream?.destroy();
  }

  async run(): Promise<void> {
    const first = await this.#readConnect();
    if (first === null) return this.end();
    const { seen } = first;
    const judgement = await this.#judgement(seen);
    const { kind } = judgement;
    if (kind === 'refused' || kind === 'taken' || kind === 'unavailable') {
      this.#options.onConnect?.(kind === 'unavailable' ? kind : 'refused');
      return this.#closeWith(answers[kind](seen.version));
    }
    const bytes =
      judgement.kind === 'none'
        ? first.bytes
        : withCredentials(first.bytes, judgement.username, judgement.password);
    const upstream = await connectUpstream(
      this.#options.upstream,
      this.#client,
      this.#timeouts.upstreamMs,
      (socket) => {
        this.#upstream = socket;
      },
    );
    if (upstream === null) {
      this.#options.onConnect?.('unavailable');
      return this.#closeWith(unavailableAnswer(seen.version));
    }
    upstream.on('error', () => {});
    if (this.#client.destroyed) return this.end();
    if (this.#options.proxyProtocol) upstream.write(proxyHeader(this.#ends));
    upstream.write(bytes);
    this.#linkCloses(upstream);
    this.#client.pipe(upstream);
    await this.#passAnswer(seen, upstream, judgement);
  }

  async #judgement(seen: ConnectSeen): Promise<EarlyAnswer> {
    const { judging, authenticator } = this.#options;
    const { certificate } = this;
    const clientId = knownClientId(seen);
    const asked = earlyAnswer(
      judging,
      authenticator,
      { ...seen, clientId },
      {
        ...{ source: this.#source, certificate, clientIds: this.#options.clientIds },
      },
    );
    return (await this.#inTime(asked)) ?? { kind: 'unavailable' };
  }

  /** Undefined: it took too long. */
  async #inTime<Value>(answer: Soon<Value>): Promise<Value | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#timeouts.answerMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The CONNECT, and every byte received with it; null when there is none in time. */
  async #readConnect(): Promise<{ seen: ConnectSeen; bytes: Buffer } | null> {
    const timer = setTimeout(() => this.#client.destroy(), this.#timeouts.connectMs);
    try {
      let bytes: Buffer = Buffer.alloc(0);
      for (;;) {
        const seen = connectIn(bytes, mqttConnectBytesMax);
        if (seen === null) return null;
        if (seen !== undefined) return { seen, bytes };
        const chunk = await nextChunk(this.#client);
        if (chunk === null) return null;
        bytes = Buffer.concat([bytes, chunk]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** A close of one side closes the other: bytes under way are delivered, unless the connection broke. */
  #linkCloses(upstream: Socket): void {
    const client = this.#client;
    const { lingerMs, stalledMs } = this.#timeouts;
    const link = (side: Duplex, other: Duplex) => {
      let stalled: NodeJS.Timeout | undefined;
      const resumed = () => clearTimeout(stalled);
      // The pipe pauses one side while the other takes nothing.
      side.on('pause', () => {
        clearTimeout(stalled);
        if (!other.writableNeedDrain || other.destroyed || side.destroyed) return;
        stalled = setTimeout(() => this.end(), stalledMs);
      });
      other.on('drain', resumed).once('close', resumed);
      side.once('close', () => {
        resumed();
        if (side === upstream && this.#owesAnswer) return;
        if (!side.readableEnded) other.destroy();
        if (other.destroyed) return;
        // Nothing reads the other side any more, so its own end would not be noticed.
        other.resume();
        const timer = setTimeout(() => other.destroy(), lingerMs);
        other.once('close', () => clearTimeout(timer));
      });
    };
    link(client, upstream);
    link(upstream, client);
  }

  /** Passes the broker's bytes on, a refusal only after the registry has judged the attempt too. */
  async #passAnswer(seen: ConnectSeen, upstream: Socket, judgement: EarlyAnswer): Promise<void> {
    const client = this.#client;
    const late = () => {
      this.#options.onConnect?.('unavailable');
      this.#closeWith(unavailableAnswer(seen.version));
      upstream.destroy();
    };
    const timer = setTimeout(late, this.#timeouts.answerMs);
    let held: Buffer = Buffer.alloc(0);
    try {
      for (;;) {
        const chunk = await nextChunk(upstream);
        if (chunk === null) return this.#closeWith(held);
        const answer = answerIn(Buffer.concat([held, chunk]), mqttConnectBytesMax);
        held = answer.held;
        if (answer.code === undefined) {
          client.write(answer.passed);
          continue;
        }
        clearTimeout(timer);
        const refused = answer.code !== null && isRefusal(seen.version, answer.code);
        if (judgement.kind === 'proven' && (refused || !this.#isStillGood())) {
          // Refused: the broker has not been told of this client yet.
          this.#options.onConnect?.(refused ? 'unavailable' : 'refused');
          const { version } = seen;
          this.#closeWith(refused ? unavailableAnswer(version) : refusedAnswer(version));
          upstream.destroy();
          return;
        }
        const isFeigned = judgement.kind === 'feigned';
        if (answer.code !== null)
          this.#options.onConnect?.(answer.code === 0 && !isFeigned ? 'admitted' : 'refused');
        if (isFeigned && !refused) {
          this.#closeWith(answer.code === 0 ? refusedAnswer(seen.version) : answer.passed);
          upstream.destroy();
          return;
        }
        this.#owesAnswer = refused;
        if (refused && !isFeigned) await this.#judge(seen);
        this.#owesAnswer = false;
        if (answer.code === 0 && !this.#letIn(seen)) {
          this.#closeWith(takenAnswer(seen.version));
          upstream.destroy();
          return;
        }
        if (upstream.destroyed) return this.#closeWith(answer.passed);
        client.write(answer.passed);
        upstream.pipe(client);
        return;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** False: the client id went to somebody else meanwhile. */
  #letIn(seen: ConnectSeen): boolean {
    const username = seen.username ?? this.certificate?.username;
    // Gone before the answer: nothing would tell that it has closed.
    if (username === undefined || this.#client.closed) return true;
    const { onSeen, clientIds } = this.#options;
    const clientId = knownClientId(seen);
    if (clientIds?.opened(clientId, username) === false) return false;
    this.connectedAs = username;
    onSeen?.(username, 'opened');
    this.#client.once('close', () => {
      clientIds?.closed(clientId, username, seen.keepsSession);
      onSeen?.(username, 'closed');
    });
    return true;
  }

  /** Whether the certificate that was judged opens still: later, the broker closes whom it no longer admits. */
  #isStillGood(): boolean {
    const { certificate } = this;
    return certificate === null || this.#options.judging?.isGood(certificate) === true;
  }

  /** Has the registry judge a refused attempt: as a knock, as a request, or as a password to prepare an account with. */
  async #judge(seen: ConnectSeen): Promise<void> {
    const { username, password } = seen;
    const attempt = {
      ...{ username, password, clientId: knownClientId(seen) },
      ...{ source: this.#source, certificate: null },
    };
    await this.#inTime(this.#options.authenticator.authenticate(attempt));
  }

  /** Sends the client some last bytes, and closes. */
  #closeWith(bytes: Buffer): void {
    const client = this.#client;
    if (this.#owesAnswer || client.destroyed) return;
    this.#owesAnswer = true;
    const timer = setTimeout(() => client.destroy(), this.#timeouts.lingerMs);
    client.once('close', () => clearTimeout(timer));
    client.resume();
    client.end(bytes);
  }
}

/** Empty where no account can have such a client id. */
const knownClientId = ({ clientId }: ConnectSeen): string =>
  clientId.length <= mqttClientIdLengthMax && !clientId.includes('\0') ? clientId : '';
