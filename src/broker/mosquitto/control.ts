/** The control connection to Mosquitto: dynamic-security commands over `$CONTROL`, batched, reconnecting. */
import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { MosquittoAddress } from '../../config/brokers.ts';
import {
  brokerRetryMaxMs,
  brokerRetryMs,
  mosquittoAnswerTimeoutMs,
  mosquittoCommandsMax,
  mosquittoConnectTimeoutMs,
} from '../../limits.ts';
import type { Logger } from '../../logger.ts';
import { pause } from '../../platform/pause.ts';
import { BrokerDown } from '../ports/broker.ts';

const controlTopic = '$CONTROL/dynamic-security/v1';
const answerTopic = `${controlTopic}/response`;

export type ControlCommand = { readonly command: string } & Readonly<Record<string, unknown>>;

/** `error` is Mosquitto's own text; it has no codes. */
export interface ControlAnswer {
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface Control {
  status(): 'up' | 'down';
  /** Called each time after the connection was made. */
  onUp(listener: () => void): void;
  /**
   * Sends commands in their order, with no other command between them. Later ones run though an earlier
   * one failed. @throws BrokerDown when nobody answers: then any of them may have been done
   */
  send(...commands: readonly ControlCommand[]): Promise<readonly ControlAnswer[]>;
  close(): Promise<void>;
}

interface WaitingCommand {
  readonly commands: readonly ControlCommand[];
  readonly resolve: (answers: readonly ControlAnswer[]) => void;
  readonly reject: (error: Error) => void;
}

/** Begins to connect, and goes on until `close`. */
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
  readonly #waiting: WaitingCommand[] = [];
  readonly #answers = new Map<string, (answer: ControlAnswer) => void>();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #client: MqttClient | undefined;
  #fault: string | null = null;
  #sending = false;

  constructor({
    name,
    address,
    logger,
  }: { name: string; address: MosquittoAddress; logger: Logger }) {
    this.#name = name;
    this.#address = address;
    this.#logger = logger;
    this.#ended = this.#run();
  }

  status() {
    return this.#client === undefined ? 'down' : 'up';
  }

  onUp(listener: () => void): void {
    this.#listeners.push(listener);
  }

  send(...commands: readonly ControlCommand[]): Promise<readonly ControlAnswer[]> {
    return new Promise((resolve, reject) => {
      if (this.#client === undefined) {
        reject(this.#down());
        return;
      }
      this.#waiting.push({ commands, resolve, reject });
      // What comes in the same turn shares a message.
      if (!this.#sending) queueMicrotask(() => void this.#pump());
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.endAsync(true);
    await this.#ended;
  }

  #down = () => new BrokerDown(`${this.#name} does not answer`);

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = brokerRetryMs;
    while (!signal.aborted) {
      const client = mqtt.connect(this.#options());
      // Without a listener an error ends the process.
      client.on('error', (error) => this.#noteFault(faultOf(error)));
      const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
      try {
        await connected(client, signal);
        // Small commands must not wait for the acknowledgement of those before them.
        if (client.stream instanceof Socket) client.stream.setNoDelay(true);
        client.on('message', (_topic, payload) => this.#answered(payload));
        await client.subscribeAsync(answerTopic, { qos: 1 });
        this.#client = client;
        this.#noteFault(null);
        retryMs = brokerRetryMs;
        for (const listener of this.#listeners) listener();
        await gone;
      } catch (error) {
        if (!signal.aborted) this.#noteFault(faultOf(error));
      }
      this.#client = undefined;
      this.#forsake();
      await client.endAsync(true).catch(() => undefined);
      if (!signal.aborted && this.#fault === null) this.#noteFault('the connection was closed');
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

  /** Says a fault once, and its end. */
  #noteFault(fault: string | null): void {
    if (fault === this.#fault) return;
    if (fault !== null)
      this.#logger.warn('A broker cannot be reached', { broker: this.#name, fault });
    else this.#logger.info('A broker can be reached', { broker: this.#name });
    this.#fault = fault;
  }

  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0) await this.#sendPortion();
    } finally {
      this.#sending = false;
    }
  }

  /** One message at a time: what comes meanwhile goes with the next. */
  async #sendPortion(): Promise<void> {
    const portion: WaitingCommand[] = [];
    let count = 0;
    for (const one of this.#waiting) {
      if (portion.length > 0 && count + one.commands.length > mosquittoCommandsMax) break;
      portion.push(one);
      count += one.commands.length;
    }
    this.#waiting.splice(0, portion.length);
    const client = this.#client;
    try {
      if (client === undefined) throw this.#down();
      const { payload, answers } = this.#prepared(portion);
      client.publish(controlTopic, payload, { qos: 1 });
      const all = await this.#inTime(answers, client);
      let at = 0;
      for (const { commands, resolve } of portion) {
        resolve(all.slice(at, at + commands.length));
        at += commands.length;
      }
    } catch (error) {
      for (const { reject } of portion) reject(error as Error);
    }
  }

  #prepared(portion: readonly WaitingCommand[]) {
    const answers: Promise<ControlAnswer>[] = [];
    const commands = portion
      .flatMap((one) => one.commands)
      .map((command) => {
        const correlationData = randomUUID();
        answers.push(new Promise((resolve) => this.#answers.set(correlationData, resolve)));
        return { ...command, correlationData };
      });
    return { payload: JSON.stringify({ commands }), answers };
  }

  async #inTime(answers: readonly Promise<ControlAnswer>[], client: MqttClient) {
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const fail = () => reject(this.#down());
    const timer = setTimeout(fail, mosquittoAnswerTimeoutMs);
    client.once('close', fail);
    try {
      return await Promise.race([Promise.all(answers), gone]);
    } catch (error) {
      // An answer that comes late belongs to nobody: begin anew.
      this.#answers.clear();
      client.end(true);
      throw error;
    } finally {
      clearTimeout(timer);
      client.off('close', fail);
    }
  }

  #answered(payload: Buffer): void {
    let responses: unknown;
    try {
      responses = (JSON.parse(payload.toString()) as { responses?: unknown }).responses;
    } catch {
      return;
    }
    if (!Array.isArray(responses)) return;
    // Answers to other administrators come here too.
    for (const answer of responses as (ControlAnswer & { correlationData?: unknown })[]) {
      const { correlationData } = answer ?? {};
      if (typeof correlationData !== 'string') continue;
      this.#answers.get(correlationData)?.(answer);
      this.#answers.delete(correlationData);
    }
  }

  /** Nobody answers any more: whoever waits is told. */
  #forsake(): void {
    this.#answers.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#down());
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
