/** The gateway: an MQTT proxy in front of a broker that cannot ask. A refusal there becomes a request here. */
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import {
  gatewayFrameBytesMax,
  gatewayLingerMs,
  gatewayQueueFullMs,
  gatewayStalledMs,
  gatewayUpstreamTimeoutMs,
  mqttAnswerTimeoutMs,
  mqttClientIdLengthMax,
  mqttConnectBytesMax,
  mqttConnectionsMax,
  mqttConnectTimeoutMs,
} from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { type Addresses, type ListenerOptions, openListeners } from '../listeners.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import { answerIn, type ConnectSeen, connectIn, isRefusal, unavailableAnswer } from './packets.ts';
import { type Ends, proxyHeader } from './proxy-protocol.ts';

/** The broker behind the gateway: TCP, TLS, or a Unix socket. */
export type Upstream =
  | { readonly host: string; readonly port: number; readonly tls?: boolean }
  | { readonly path: string };

export type GatewayOutcome = 'admitted' | 'refused' | 'unavailable';

export interface GatewayOptions extends ListenerOptions {
  readonly upstream: Upstream;
  /** Asked about each CONNECT that the broker refused; what it answers changes nothing for the client. */
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** Tells the broker each client's address by PROXY protocol, version 2. */
  readonly proxyProtocol?: boolean;
  readonly onConnect?: (outcome: GatewayOutcome) => void;
  /** Other times than the named limits, so that a test can reach them. */
  readonly timeouts?: Partial<typeof defaultTimeouts>;
}

export interface Gateway {
  readonly addresses: Addresses;
  /** Connections of clients that are open now. */
  connectionCount(): number;
  /** Takes nobody new, and closes every connection. */
  close(): Promise<void>;
}

const defaultTimeouts = {
  connectMs: mqttConnectTimeoutMs,
  upstreamMs: gatewayUpstreamTimeoutMs,
  answerMs: mqttAnswerTimeoutMs,
  lingerMs: gatewayLingerMs,
  stalledMs: gatewayStalledMs,
};

/** Rejects when an address cannot be listened on. The broker need not be there yet. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const passages = new Set<Passage>();
  const sizes = {
    connections: mqttConnectionsMax,
    connectTimeoutMs: { ...defaultTimeouts, ...options.timeouts }.connectMs,
    packetBytes: gatewayFrameBytesMax,
  };
  const listeners = await openListeners(options, sizes, (stream, request, source) => {
    const passage = new Passage(options, stream, request?.socket ?? (stream as Socket), source);
    passages.add(passage);
    stream.once('close', () => passages.delete(passage));
    passage.run().catch((error) => {
      options.logger.error('An MQTT connection could not be passed on', { error });
      passage.end();
    });
  });
  return {
    addresses: listeners.addresses,
    connectionCount: () => passages.size,
    async close() {
      const closing = listeners.close();
      for (const passage of passages) passage.end();
      listeners.destroySockets();
      await closing;
    },
  };
}

/** One client's way to the broker and back. */
class Passage {
  readonly #options: GatewayOptions;
  readonly #timeouts: typeof defaultTimeouts;
  readonly #client: Duplex;
  readonly #ends: Ends;
  readonly #source: string | null;
  #upstream: Socket | undefined;
  /** The client is still to be told something, whatever becomes of the broker's connection. */
  #owesWord = false;

  constructor(options: GatewayOptions, client: Duplex, ends: Ends, source: string | null) {
    this.#options = options;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#client = client;
    // Read at once: a socket that was closed meanwhile has forgotten them.
    const { remoteAddress, remotePort, localAddress, localPort } = ends;
    this.#ends = { remoteAddress, remotePort, localAddress, localPort };
    this.#source = source;
    client.on('error', () => {});
  }

  /** Closes both sides at once. */
  end(): void {
    this.#client.destroy();
    this.#upstream?.destroy();
  }

  async run(): Promise<void> {
    const first = await this.#connect();
    if (first === null) return this.end();
    const { seen, bytes } = first;
    const upstream = await this.#reach();
    if (upstream === null) {
      this.#options.onConnect?.('unavailable');
      return this.#leave(unavailableAnswer(seen.version));
    }
    upstream.on('error', () => {});
    if (this.#client.destroyed) return this.end();
    if (this.#options.proxyProtocol) upstream.write(proxyHeader(this.#ends));
    upstream.write(bytes);
    this.#tieEnds(upstream);
    this.#client.pipe(upstream);
    await this.#answered(seen, upstream);
  }

  /** The CONNECT, and every byte that came with it; null when there is none in time. */
  async #connect(): Promise<{ seen: ConnectSeen; bytes: Buffer } | null> {
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

  /** A connection to the broker; null when it cannot be had in time. */
  async #reach(): Promise<Socket | null> {
    const until = performance.now() + this.#timeouts.upstreamMs;
    for (;;) {
      const reached = await this.#tryToReach(until - performance.now());
      // A Unix socket whose queue is full says so at once, where TCP would wait: so it is waited for here.
      if (reached !== 'queue-full') return reached;
      await delay(gatewayQueueFullMs);
      if (this.#client.destroyed || performance.now() >= until) return null;
    }
  }

  async #tryToReach(timeoutMs: number): Promise<Socket | null | 'queue-full'> {
    const { upstream } = this.#options;
    const socket =
      'path' in upstream
        ? connectTcp({ path: upstream.path })
        : upstream.tls
          ? connectTls({ host: upstream.host, port: upstream.port, servername: upstream.host })
          : connectTcp({ host: upstream.host, port: upstream.port });
    this.#upstream = socket;
    socket.setNoDelay(true).setKeepAlive(true, 60_000);
    const ready = 'path' in upstream || !upstream.tls ? 'connect' : 'secureConnect';
    return await new Promise((resolve) => {
      const settle = (result: Socket | null | 'queue-full') => {
        clearTimeout(timer);
        socket.off(ready, reached).off('close', failed);
        this.#client.off('close', failed);
        if (result !== socket) socket.destroy();
        resolve(result);
      };
      const reached = () => settle(socket);
      const failed = () => settle(null);
      const timer = setTimeout(failed, timeoutMs);
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'EAGAIN') settle('queue-full');
      });
      socket.once(ready, reached).once('close', failed);
      this.#client.once('close', failed);
    });
  }

  /** An end on one side is one on the other: what is under way arrives, unless the connection broke. */
  #tieEnds(upstream: Socket): void {
    const client = this.#client;
    const { lingerMs, stalledMs } = this.#timeouts;
    const follow = (gone: Duplex, other: Duplex) => {
      let stalled: NodeJS.Timeout | undefined;
      const moves = () => clearTimeout(stalled);
      // The pipe pauses one side while the other takes nothing.
      gone.on('pause', () => {
        clearTimeout(stalled);
        if (!other.writableNeedDrain || other.destroyed || gone.destroyed) return;
        stalled = setTimeout(() => this.end(), stalledMs);
      });
      other.on('drain', moves).once('close', moves);
      gone.once('close', () => {
        moves();
        if (gone === upstream && this.#owesWord) return;
        if (!gone.readableEnded) other.destroy();
        if (other.destroyed) return;
        // Nobody reads this side any more, so its own end would not be noticed.
        other.resume();
        const timer = setTimeout(() => other.destroy(), lingerMs);
        other.once('close', () => clearTimeout(timer));
      });
    };
    follow(client, upstream);
    follow(upstream, client);
  }

  /** Passes the broker's bytes on, a refusal only after the registry has heard of it. */
  async #answered(seen: ConnectSeen, upstream: Socket): Promise<void> {
    const client = this.#client;
    const late = () => {
      this.#options.onConnect?.('unavailable');
      this.#leave(unavailableAnswer(seen.version));
      upstream.destroy();
    };
    const timer = setTimeout(late, this.#timeouts.answerMs);
    let held: Buffer = Buffer.alloc(0);
    try {
      for (;;) {
        const chunk = await nextChunk(upstream);
        if (chunk === null) return this.#leave(held);
        const answer = answerIn(Buffer.concat([held, chunk]), mqttConnectBytesMax);
        held = answer.held;
        if (answer.code === undefined) {
          client.write(answer.passed);
          continue;
        }
        clearTimeout(timer);
        const refused = answer.code !== null && isRefusal(seen.version, answer.code);
        if (answer.code !== null)
          this.#options.onConnect?.(answer.code === 0 ? 'admitted' : 'refused');
        this.#owesWord = refused;
        if (refused) await this.#judged(seen);
        this.#owesWord = false;
        if (upstream.destroyed) return this.#leave(answer.passed);
        client.write(answer.passed);
        upstream.pipe(client);
        return;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets the registry make of a refusal what it is: a knock, a request, or a password to lay ready. */
  async #judged({ username, password, clientId }: ConnectSeen): Promise<void> {
    const told = clientId.length <= mqttClientIdLengthMax && !clientId.includes('\0');
    const attempt = { username, password, clientId: told ? clientId : '', source: this.#source };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#timeouts.answerMs);
    });
    await Promise.race([this.#options.authenticator.authenticate(attempt), late]);
    clearTimeout(timer);
  }

  /** Says a last word, and closes. */
  #leave(word: Buffer): void {
    const client = this.#client;
    if (this.#owesWord || client.destroyed) return;
    this.#owesWord = true;
    const timer = setTimeout(() => client.destroy(), this.#timeouts.lingerMs);
    client.once('close', () => clearTimeout(timer));
    client.resume();
    client.end(word);
  }
}

/** The next bytes; null when the stream is at its end, or broken. */
async function nextChunk(stream: Duplex): Promise<Buffer | null> {
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk !== null) return chunk;
    if (stream.readableEnded || stream.destroyed) return null;
    await new Promise<void>((resolve) => {
      const settle = () => {
        stream.off('readable', settle).off('end', settle).off('close', settle);
        resolve();
      };
      stream.on('readable', settle).on('end', settle).on('close', settle);
    });
  }
}
