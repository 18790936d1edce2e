/** A Mosquitto with dynamic security to measure beside, and accounts in it made by its own commands. */
import { randomUUID } from 'node:crypto';
import mqtt from 'mqtt';
import { deviceName, secretOf } from '../../src/bench/names.ts';
import {
  controlPassword,
  controlUsername,
  type MosquittoPeer,
  mosquittoIsHere,
  mosquittoPeer,
} from '../src/broker/mosquitto/peer.ts';

export type { MosquittoPeer };

const controlTopic = '$CONTROL/dynamic-security/v1';
/** Commands in one message. */
const commandsAtOnce = 50;
/** Messages whose answers are waited for together. */
const messagesAtOnce = 4;

/** Undefined, and said aloud, where there is none. */
export async function mosquittoHere(
  note: (text: string) => void,
): Promise<MosquittoPeer | undefined> {
  if (mosquittoIsHere()) return await mosquittoPeer();
  note('no Mosquitto here: not measured beside it');
  return undefined;
}

const role = 'bench';

export interface Control {
  send(commands: readonly object[]): Promise<void>;
  end(): Promise<void>;
}

export async function controlOf({ port }: MosquittoPeer): Promise<Control> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: controlUsername,
    password: controlPassword,
  });
  await client.subscribeAsync(`${controlTopic}/response`);
  const waiting = new Map<string, (error: string | undefined) => void>();
  client.on('message', (_topic, payload) => {
    const { responses } = JSON.parse(payload.toString()) as {
      responses: { correlationData?: string; error?: string }[];
    };
    const last = responses.at(-1)?.correlationData;
    const fault = responses.find(({ error }) => error !== undefined)?.error;
    if (last !== undefined) waiting.get(last)?.(fault);
  });
  return {
    async send(commands) {
      const id = randomUUID();
      const answered = new Promise<void>((resolve, reject) => {
        waiting.set(id, (fault) => {
          waiting.delete(id);
          if (fault === undefined) resolve();
          else reject(new Error(fault));
        });
      });
      const correlated = commands.map((command) => ({ ...command, correlationData: id }));
      await client.publishAsync(controlTopic, JSON.stringify({ commands: correlated }));
      await answered;
    },
    end: () => client.endAsync(true),
  };
}

const roleCommand = {
  command: 'createRole',
  rolename: role,
  acls: ['publishClientSend', 'subscribePattern'].map((acltype) => ({
    ...{ acltype, topic: 'plant/#', allow: true, priority: 0 },
  })),
};
const receiveDefault = {
  command: 'setDefaultACLAccess',
  acls: [{ acltype: 'publishClientReceive', allow: true }],
};

export const createRole = (control: Control) => control.send([roleCommand, receiveDefault]);

export const createClient = (n: number) => ({
  command: 'createClient',
  username: deviceName(n),
  password: secretOf(n),
  roles: [{ rolename: role }],
});

/** Accounts `device-0` … with their passwords. */
export async function createAccounts(control: Control, count: number, from = 0): Promise<void> {
  let next = from;
  const worker = async () => {
    while (next < from + count) {
      const start = next;
      next += commandsAtOnce;
      const size = Math.min(commandsAtOnce, from + count - start);
      await control.send(Array.from({ length: size }, (_, index) => createClient(start + index)));
    }
  };
  await Promise.all(Array.from({ length: messagesAtOnce }, worker));
}
