/** Power comes back: every known device connects again at once after the service was killed and started. */
import { execFileSync } from 'node:child_process';
import { overMqtt } from '../../../src/bench/generators.ts';
import { bare } from '../bare-peers.ts';
import { filledFolder } from '../folders.ts';
import { type Contestant, type Line, ratioAtLeast } from '../line.ts';
import { serve } from '../served.ts';

const devices = 50_000;
const devicesQuick = 2_000;
/** File descriptors that a process needs beside its connections. */
const spareFiles = 500;

const openFilesMax = () => Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));

export const reconnect: Line = {
  name: 'reconnect',
  title: '50,000 known devices reconnect',
  goals: [ratioAtLeast(0.8, 'bare aedes')],
  async contestants(context) {
    const wanted = context.quick ? devicesQuick : devices;
    const count = Math.min(wanted, openFilesMax() - spareFiles);
    if (count < wanted)
      context.note(
        `reconnect: only ${count} devices: a process may open no more files here (ulimit -n)`,
      );
    const login = { username: 'device-{n}', password: '{hex}' };
    const load = { ...login, count, atOnce: 256, keep: true };
    const ours: Contestant[] = [];
    for (const checkout of context.checkouts) {
      const dataDir = await filledFolder(checkout, 'clients', count);
      ours.push({
        name: checkout.name,
        ours: true,
        async round() {
          const served = await serve(checkout, { dataDir });
          try {
            const sample = await overMqtt('connect', { ...load, url: served.mqtt });
            return { ...sample, figures: { devices: count } };
          } finally {
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
