/** From a decision to its effect: grant until a connect is accepted, revoke until the live session is closed. */
import mqtt from 'mqtt';
import { secretOf } from '../../../src/bench/names.ts';
import { sampleOf } from '../../../src/bench/sample.ts';
import type { Contestant, Context, Goal, Line } from '../line.ts';
import { p99Below } from '../line.ts';
import { mosquittoHere } from '../mosquitto.ts';
import { type Checkout, type Served, serve } from '../served.ts';

const door = '/api/client-registry/register';
const notAuthorized = new Set([4, 5, 135]);

interface Device {
  readonly username: string;
  readonly password: string;
}

async function connected(url: string, device: Device): Promise<mqtt.MqttClient | undefined> {
  try {
    return await mqtt.connectAsync(url, {
      ...device,
      clientId: device.username,
      reconnectPeriod: 0,
    });
  } catch (error) {
    if (notAuthorized.has((error as { code?: number }).code ?? 0)) return undefined;
    throw error;
  }
}

/** Both times of one device in ms, counted from when the decision is sent. */
async function decided(served: Served, url: string, device: Device) {
  const { requestId } = (await served.post(door, device)) as { requestId: string };
  const grantMs = performance.now();
  const granted = served.post(`/api/client-registry/requests/${requestId}/grant`, {});
  await granted;
  let session = await connected(url, device);
  while (session === undefined) session = await connected(url, device);
  const acceptedMs = performance.now() - grantMs;
  const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
  const revokeMs = performance.now();
  const revoked = served.post(`/api/users/${device.username}/revoke`, {});
  await closed;
  const closedMs = performance.now() - revokeMs;
  await revoked;
  return { acceptedMs, closedMs };
}

async function deciding(
  context: Context,
  checkout: Checkout,
  which: 'acceptedMs' | 'closedMs',
  broker?: { readonly url: string; readonly setting: string },
): Promise<Contestant> {
  const environment = broker === undefined ? {} : { GATEBOOK_BROKER: broker.setting };
  const served = await serve(checkout, { environment });
  context.atEnd(served.stop);
  await served.post('/api/client-registry/unlock', {
    maxRequests: 1_000_000,
    durationMs: 86_400_000,
  });
  const count = context.quick ? 20 : 200;
  return {
    name: checkout.name,
    ours: true,
    async round(number) {
      const beganMs = performance.now();
      const times: number[] = [];
      for (let n = number * count; n < (number + 1) * count; n++) {
        const device = { username: `decided-${n}`, password: secretOf(n) };
        times.push((await decided(served, broker?.url ?? served.mqtt, device))[which]);
      }
      return sampleOf(times, (performance.now() - beganMs) / 1_000);
    },
  };
}

const onEmbedded = (
  name: string,
  title: string,
  which: 'acceptedMs' | 'closedMs',
  goal: Goal,
): Line => ({
  ...{ name, title, goals: [goal], rounds: 5 },
  contestants: (context) =>
    Promise.all(context.checkouts.map((checkout) => deciding(context, checkout, which))),
});

export const grant = onEmbedded('grant', 'Grant → connect, embedded', 'acceptedMs', p99Below(10));
export const revoke = onEmbedded('revoke', 'Revoke → session closed', 'closedMs', p99Below(10));

export const grantMosquitto: Line = {
  name: 'grant-mosquitto',
  title: 'Grant → connect, Mosquitto',
  goals: [p99Below(100)],
  async contestants(context) {
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const peer = await mosquittoHere(context.note);
      if (peer === undefined) return [];
      context.atEnd(peer.clean);
      const broker = { url: `mqtt://127.0.0.1:${peer.port}`, setting: peer.setting };
      ours.push(await deciding(context, checkout, 'acceptedMs', broker));
    }
    return ours;
  },
};
