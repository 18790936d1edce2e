/** MQTT clients for tests: raw packets over TCP, and the programs that people use. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import { skipped } from './skipped.ts';

const patienceMs = 10_000;

type Command = NonNullable<Packet['cmd']>;
type Sent<Cmd extends Command> = Extract<Packet, { cmd: Cmd }>;
export type Version = 3 | 4 | 5;
export const versions: readonly Version[] = [3, 4, 5];

/** A connection that says exactly what a test wants said. */
export interface RawMqtt {
  readonly socket: Socket;
  /** Packets that came and nobody took yet. */
  readonly received: Packet[];
  send(...packets: (Packet | Buffer)[]): void;
  /** The next packet of that kind; those before it stay in `received`. */
  take<Cmd extends Command>(cmd: Cmd): Promise<Sent<Cmd>>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  end(): void;
}

export async function rawMqtt(
  port: number,
  version: Version = 4,
  localAddress = '127.0.0.1',
): Promise<RawMqtt> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress });
  const raw = rawMqttOver(socket, version);
  await once(socket, 'connect');
  return { ...raw, socket };
}

/** The same over a connection of any kind. */
export function rawMqttOver(socket: Duplex, version: Version = 4): Omit<RawMqtt, 'socket'> {
  const received: Packet[] = [];
  const parsing = parser({ protocolVersion: version });
  let wake = Promise.withResolvers<void>();
  let open = true;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      open = false;
      wake.resolve();
      resolve();
    });
  });
  parsing.on('packet', (packet) => {
    received.push(packet);
    wake.resolve();
    wake = Promise.withResolvers();
  });
  socket.on('error', () => {});
  socket.on('data', (chunk) => parsing.parse(chunk));
  return {
    received,
    closed,
    send(...packets) {
      const bytes = packets.map((packet) =>
        Buffer.isBuffer(packet) ? packet : generate(packet, { protocolVersion: version }),
      );
      socket.write(Buffer.concat(bytes));
    },
    async take(cmd) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        wake.resolve();
      }, patienceMs);
      try {
        for (;;) {
          const at = received.findIndex((packet) => packet.cmd === cmd);
          if (at >= 0) return received.splice(at, 1)[0] as never;
          if (!open) throw new Error(`closed before ${cmd} came`);
          if (late) throw new Error(`no ${cmd} came`);
          await wake.promise;
        }
      } finally {
        clearTimeout(timer);
      }
    },
    end() {
      socket.destroy();
    },
  };
}

export type Connect = Partial<Omit<IConnectPacket, 'cmd' | 'password'>> & {
  version?: Version;
  username?: string;
  password?: string;
};

export const connectPacket = ({ version = 4, password, ...rest }: Connect): IConnectPacket => ({
  cmd: 'connect',
  protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
  protocolVersion: version,
  clean: true,
  clientId: 'press-7',
  keepalive: 0,
  ...(password === undefined ? {} : { password: Buffer.from(password) }),
  ...rest,
});

/** Connects and waits for the answer, whatever it is. */
export async function connected(
  port: number,
  options: Connect,
  localAddress?: string,
): Promise<RawMqtt & { readonly connack: IConnackPacket; readonly code: number }> {
  const raw = await rawMqtt(port, options.version, localAddress);
  raw.send(connectPacket(options));
  const connack = await raw.take('connack');
  return { ...raw, connack, code: connack.returnCode ?? connack.reasonCode ?? -1 };
}

/** The reason codes that a SUBSCRIBE is answered with. */
export async function subscribed(
  client: RawMqtt,
  filters: readonly string[],
  options: { qos?: 0 | 1 | 2; messageId?: number } = {},
): Promise<number[]> {
  const { qos = 1, messageId = 1 } = options;
  client.send({
    cmd: 'subscribe',
    messageId,
    subscriptions: filters.map((topic) => ({ topic, qos, nl: false, rap: false, rh: 0 })),
  });
  return (await client.take('suback')).granted as number[];
}

export const publish = (
  topic: string,
  payload: string,
  options: { qos?: 0 | 1 | 2; retain?: boolean; messageId?: number } = {},
): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 0,
  dup: false,
  retain: false,
  messageId: 1,
  ...options,
});

/** Topics and payloads up to and with the one whose payload is `last`. */
export async function messagesUntil(client: RawMqtt, last: string): Promise<string[]> {
  for (const messages: string[] = []; ; ) {
    const packet = await client.take('publish');
    messages.push(`${packet.topic} ${packet.payload}`);
    if (packet.qos > 0) client.send({ cmd: 'puback', messageId: packet.messageId as number });
    if (String(packet.payload) === last) return messages;
  }
}

/** Waits for what the other side does by itself. */
export async function until(holds: () => boolean): Promise<void> {
  const late = AbortSignal.timeout(patienceMs);
  while (!holds()) {
    if (late.aborted) throw new Error(`never came true: ${holds}`);
    await sleep(2);
  }
}

const programs = new Map<string, boolean>();

/** Whether a program is here; where it is not, the test that wants it says so aloud. */
export function programIsHere(program: string, ...argumentsThatWork: string[]): boolean {
  let here = programs.get(program);
  if (here === undefined) {
    try {
      execFileSync(program, argumentsThatWork, { stdio: 'ignore', timeout: patienceMs });
      here = true;
    } catch (error) {
      // mosquitto_pub --help exits with 1; only its absence counts.
      here = (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
    programs.set(program, here);
  }
  if (!here) skipped(`no ${program} here`);
  return here;
}

export const pythonWithPaho = '/usr/bin/python3';

export function pahoIsHere(): boolean {
  try {
    execFileSync(pythonWithPaho, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' });
    return true;
  } catch {
    skipped('no python3-paho-mqtt here');
    return false;
  }
}

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** Resolves when the output has the text. */
  says(text: string): Promise<void>;
  stop(): void;
}

export function running(
  program: string,
  args: readonly string[],
  killedAfterMs = patienceMs,
): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const guard = setTimeout(() => child.kill('SIGKILL'), killedAfterMs);
  let output = '';
  let wake = Promise.withResolvers<void>();
  const take = (chunk: Buffer) => {
    output += chunk;
    wake.resolve();
    wake = Promise.withResolvers();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      clearTimeout(guard);
      wake.resolve();
      resolve({ exitCode, output });
    });
  });
  return {
    ended,
    async says(text) {
      while (!output.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${program} ended without saying ${text}: ${output}`);
        await wake.promise;
      }
    },
    stop: () => child.kill('SIGKILL'),
  };
}

export const ran = (program: string, args: readonly string[]): Promise<Ran> =>
  running(program, args).ended;

const account = (port: number, username: string, password: string) => [
  '-h',
  '127.0.0.1',
  '-p',
  String(port),
  '-u',
  username,
  '-P',
  password,
];

export const mosquittoVersion: Record<Version, string> = {
  3: 'mqttv31',
  4: 'mqttv311',
  5: 'mqttv5',
};

export const mosquittoPub = (
  port: number,
  username: string,
  password: string,
  ...args: string[]
): Promise<Ran> => ran('mosquitto_pub', [...account(port, username, password), ...args]);

export const mosquittoSub = (
  port: number,
  username: string,
  password: string,
  ...args: string[]
): Running =>
  running('mosquitto_sub', ['-d', '-W', '9', ...account(port, username, password), ...args]);
