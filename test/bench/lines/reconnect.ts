/** Power comes back: every known device connects again at once after the service was killed and started. */
import { execFileSync } from 'node:child_process';
import { overMqtt } from '../../../src/bench/generators.ts';
import { mqttConnectionsMax } from '../../../src/limits/mqtt.ts';
import { bare } from '../bare-peers.ts';
import { filledFolder } from '../folders.ts';
import { type Contestant, type Line, ratioAtLeast } from '../line.ts';
import { serve } from '../served.ts';

const devices = 50_000;
const devicesQuick = 2_000;
/** File descriptors that a process needs beside the connections that stay: those that come and leave have theirs, too. */
const spareFiles = 1_500;
const sampleEveryMs = 500;

const openFilesMax = () => Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));

export const reconnect: Line = {
  name: 'reconnect',
  title: '50,000 known devices reconnect',
  goals: [ratioAtLeast(0.8, 'bare aedes')],
  async contestants(context) {
    const count = context.quick ? devicesQuick : devices;
    const keep = Math.min(count, openFilesMax() - spareFiles);
    if (keep < count)
      context.note(
        `reconnect: of the ${count} devices the newest ${keep} stay, the others leave as later ones come: a process may open no more files here (ulimit -n)`,
      );
    const login = { username: 'device-{n}', password: '{hex}' };
    const load = { ...login, count, atOnce: 256, keep };
    const open = keep + spareFiles;
    const environment: Record<string, string> =
      open <= mqttConnectionsMax ? {} : { GATEBOOK_MQTT_CONNECTIONS_MAX: String(open) };
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const dataDir = await filledFolder(checkout, 'clients', count);
      ours.push({
        name: checkout.name,
        ours: true,
        async round() {
          const served = await serve(checkout, { dataDir, environment });
          let peak = 0;
          const sampling = setInterval(() => {
            peak = Math.max(peak, served.resident());
          }, sampleEveryMs);
          try {
            const sample = await overMqtt('connect', { ...load, url: served.mqtt });
            return { ...sample, figures: { devices: count, atOnce: keep, peakMb: peak / 1e6 } };
          } finally {
            clearInterval(sampling);
            await served.kill();
          }
        },
      });
    }
    return [
      {
        name: 'bare aedes',
        ours: false,
        // Started anew as well: what has run for a while is compiled, and answers faster.
        async round() {
          const aedes = await bare('aedes');
          try {
            return await overMqtt('connect', { ...load, url: `mqtt://127.0.0.1:${aedes.port}` });
          } finally {
            await aedes.stop();
          }
        },
      },
      ...ours,
    ];
  },
};
