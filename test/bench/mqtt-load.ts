/** MQTT load: connects one after the other in parallel rows, and messages through one publisher and reader. */
import mqtt, { type MqttClient } from 'mqtt';
import { type Load, timed } from './load.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

const options = (login: Login | undefined, clientId: string) => ({
  ...login,
  clientId,
  reconnectPeriod: 0,
  protocolVersion: 4 as const,
});

/** Connects and leaves again, `count` times, `atOnce` at a time. */
export const connectMany = (
  url: string,
  count: number,
  atOnce: number,
  loginOf: (index: number) => Login | undefined,
): Promise<Load> =>
  timed(count, atOnce, async (index) => {
    const client = await mqtt.connectAsync(url, options(loginOf(index), `bench-${index}`));
    await client.endAsync(true);
    return 0;
  });

/** Publishes `count` messages of 100 bytes and waits until the reader has them all; messages a second. */
export async function publishMany(
  url: string,
  count: number,
  qos: 0 | 1,
  login: Login | undefined,
): Promise<number> {
  const topic = `plant/${login?.username ?? 'bench'}/x`;
  const reader: MqttClient = await mqtt.connectAsync(url, options(login, 'bench-reader'));
  const writer: MqttClient = await mqtt.connectAsync(url, options(login, 'bench-writer'));
  await reader.subscribeAsync(topic, { qos });
  let seen = 0;
  const all = new Promise<void>((resolve) => {
    reader.on('message', () => {
      seen += 1;
      if (seen === count) resolve();
    });
  });
  const payload = Buffer.alloc(100, 120);
  const began = performance.now();
  await timed(count, 256, async () => {
    await writer.publishAsync(topic, payload, { qos });
    return 0;
  });
  await all;
  const perSecond = count / ((performance.now() - began) / 1_000);
  await Promise.all([reader.endAsync(true), writer.endAsync(true)]);
  return perSecond;
}
