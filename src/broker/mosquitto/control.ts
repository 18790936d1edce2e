/** The control connection to Mosquitto, over which dynamic-security commands go; it reconnects by itself. */
import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { MosquittoAddress } from '../../config/brokers.ts';
import {
  brokerRetryMaxMs,
  brokerRetryMs,
  mosquittoConnectTimeoutMs,
} from '../../limits/brokers.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import {
  answerTopic,
  CommandQueue,
  type ControlAnswer,
  type ControlCommand,
} from './command-queue.ts';

export interface Control {
  status(): 'up' | 'down';
  /** Called each time that the connection was made. */
  onUp(listener: () => void): void;
  /**
   * Sends commands in their order, with no other command between them. Later ones run though an earlier
   * one failed. @throws BrokerDown when nobody answers: then any of them may have been done
   */
  send(...commands: readonly ControlCommand[]): Promise<readonly ControlAnswer[]>;
  close(): Promise<void>;
}

/** Connects in the background, and again until `close`. */
export function openControl(options: {
  readonly name: string;
  readonly address: MosquittoAddress;
  readonly logger: Logger;
}): Control {
  return new ControlConnection(options);
}

class ControlConnection implements Control {
  readonly #name: string;
  readonly #address: MosquittoAddress;
  readonly #logger: Logger;
  readonly #listeners: (() => void)[] = [];
  readonly #queue: CommandQueue;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #client: MqttClient | undefined;
  #fault: string | null = null;

  constructor({
    name,
    address,
    logger,
  }: { name: string; address: MosquittoAddress; logger: Logger }) {
    this.#name = name;
    this.#queue = new CommandQueue(name);
    this.#address = address;
    this.#logger = logger;
    this.#ended = this.#run();
  }

  status() {
    return this.#queue.isAttached ? 'up' : 'down';
  }

  onUp(listener: () => void): void {
    this.#listeners.push(listener);
  }

  send(...commands: readonly ControlCommand[]): Promise<readonly ControlAnswer[]> {
    return this.#queue.send(...commands);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.endAsync(true);
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = brokerRetryMs;
    while (!signal.aborted) {
      const client = mqtt.connect(this.#options());
      // Without a listener an error ends the process.
      client.on('error', (error) => this.#logFault(faultOf(error)));
      const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
      try {
        await connected(client, signal);
        // Small commands must not wait for the acknowledgement of those before them.
        if (client.stream instanceof Socket) client.stream.setNoDelay(true);
        client.on('message', (_topic, payload) => this.#queue.answered(payload));
        await client.subscribeAsync(answerTopic, { qos: 1 });
        this.#client = client;
        this.#queue.attach(client);
        this.#logFault(null);
        retryMs = brokerRetryMs;
        for (const listener of this.#listeners) listener();
        await gone;
      } catch (error) {
        if (!signal.aborted) this.#logFault(faultOf(error));
      }
      this.#client = undefined;
      this.#queue.detach();
      await client.endAsync(true).catch(() => undefined);
      if (!signal.aborted && this.#fault === null) this.#logFault('the connection was closed');
      await pause(retryMs, signal);
      retryMs = Math.min(retryMs * 2, brokerRetryMaxMs);
    }
  }

  #options(): IClientOptions {
    const { transport, username, password } = this.#address;
    return {
      ...(transport.kind === 'unix'
        ? { protocol: 'mqtt', path: transport.path, unixSocket: true }
        : {
            protocol: transport.tls ? 'mqtts' : 'mqtt',
            host: transport.host,
            port: transport.port,
          }),
      username,
      password,
      protocolVersion: 5,
      clientId: `gatebook-${randomUUID()}`,
      clean: true,
      keepalive: 15,
      connectTimeout: mosquittoConnectTimeoutMs,
      reconnectPeriod: 0,
    };
  }

  /** Logs a fault once, and its end. */
  #logFault(fault: string | null): void {
    if (fault === this.#fault) return;
    if (fault !== null)
      this.#logger.warn('A broker cannot be reached', { broker: this.#name, fault });
    else this.#logger.info('A broker can be reached', { broker: this.#name });
    this.#fault = fault;
  }
}

function connected(client: MqttClient, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error?: Error) => reject(error ?? new Error('the connection was closed'));
  const end = () => fail();
  client.once('connect', () => resolve());
  client.once('error', fail);
  client.once('close', end);
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  return promise.finally(() => signal.removeEventListener('abort', end));
}

/** Mosquitto's answer or the system's code; never what was sent. */
function faultOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === 135 || code === 5 || code === 134 || code === 4)
    return 'the username or password of the control account is not accepted';
  return typeof code === 'string' ? code : typeof message === 'string' ? message : 'fault';
}
