/** MQTT connections that are dropped: before their CONNECT, before its answer, or soon after. */
import type { Socket } from 'node:net';
import type { Fates } from './fates.ts';

export function hostileConnections(fates: () => Pick<Fates, 'connection'>) {
  return (socket: Socket): void => {
    const cutInMs = fates().connection();
    if (cutInMs === null) return;
    if (cutInMs === 0) return void socket.destroy();
    const timer = setTimeout(() => socket.destroy(), cutInMs);
    socket.once('close', () => clearTimeout(timer));
  };
}
