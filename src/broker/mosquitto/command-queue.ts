/** Dynamic-security commands on their way to Mosquitto: batched into messages, and matched with their answers. */
import { randomUUID } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { mosquittoAnswerTimeoutMs, mosquittoCommandsMax } from '../../limits/brokers.ts';
import { BrokerDown } from '../ports/broker.ts';

const controlTopic = '$CONTROL/dynamic-security/v1';
/** Where Mosquitto publishes its answers: those to other administrators too. */
export const answerTopic = `${controlTopic}/response`;

export type ControlCommand = { readonly command: string } & Readonly<Record<string, unknown>>;

/** `error` is Mosquitto's own text; it has no codes. */
export interface ControlAnswer {
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface WaitingCommand {
  readonly commands: readonly ControlCommand[];
  readonly resolve: (answers: readonly ControlAnswer[]) => void;
  readonly reject: (error: Error) => void;
}

export class CommandQueue {
  readonly #name: string;
  readonly #waiting: WaitingCommand[] = [];
  readonly #answers = new Map<string, (answer: ControlAnswer) => void>();
  #client: MqttClient | undefined;
  #sending = false;

  /** `name`: the broker's, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  get isAttached(): boolean {
    return this.#client !== undefined;
  }

  /** Sends over this connection from now on. */
  attach(client: MqttClient): void {
    this.#client = client;
  }

  /** The connection is closed: rejects every command that waits. */
  detach(): void {
    this.#client = undefined;
    this.#answers.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#down());
  }

  /** As `Control.send`. */
  send(...commands: readonly ControlCommand[]): Promise<readonly ControlAnswer[]> {
    return new Promise((resolve, reject) => {
      if (this.#client === undefined) {
        reject(this.#down());
        return;
      }
      this.#waiting.push({ commands, resolve, reject });
      // What is sent in the same turn shares a message.
      if (!this.#sending) queueMicrotask(() => void this.#pump());
    });
  }

  #down = () => new BrokerDown(`${this.#name} does not answer`);

  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0) await this.#sendBatch();
    } finally {
      this.#sending = false;
    }
  }

  /** One message at a time: what is sent meanwhile goes with the next. */
  async #sendBatch(): Promise<void> {
    const batch: WaitingCommand[] = [];
    let count = 0;
    for (const one of this.#waiting) {
      if (batch.length > 0 && count + one.commands.length > mosquittoCommandsMax) break;
      batch.push(one);
      count += one.commands.length;
    }
    this.#waiting.splice(0, batch.length);
    const client = this.#client;
    try {
      if (client === undefined) throw this.#down();
      const { payload, answers } = this.#prepared(batch);
      client.publish(controlTopic, payload, { qos: 1 });
      const all = await this.#inTime(answers, client);
      let at = 0;
      for (const { commands, resolve } of batch) {
        resolve(all.slice(at, at + commands.length));
        at += commands.length;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  }

  #prepared(batch: readonly WaitingCommand[]) {
    const answers: Promise<ControlAnswer>[] = [];
    const commands = batch
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
      // An answer that comes late must not be taken for another's: the connection is made anew.
      this.#answers.clear();
      client.end(true);
      throw error;
    } finally {
      clearTimeout(timer);
      client.off('close', fail);
    }
  }

  /** A message on `answerTopic`. */
  answered(payload: Buffer): void {
    let responses: unknown;
    try {
      responses = (JSON.parse(payload.toString()) as { responses?: unknown }).responses;
    } catch {
      return;
    }
    if (!Array.isArray(responses)) return;
    // Answers to other administrators have correlation data that is not known here.
    for (const answer of responses as (ControlAnswer & { correlationData?: unknown })[]) {
      const { correlationData } = answer ?? {};
      if (typeof correlationData !== 'string') continue;
      this.#answers.get(correlationData)?.(answer);
      this.#answers.delete(correlationData);
    }
  }
}
