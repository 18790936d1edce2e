/** The doors by name: two protocols of the explicit flow, and MQTT of the implicit one. */

export const doorNames = ['rest', 'est', 'mqtt'] as const;
export type DoorName = (typeof doorNames)[number];

/** `door` absent: as events from before EST have it. */
export const doorName = ({
  flow,
  door,
}: {
  readonly flow: 'explicit' | 'implicit';
  readonly door?: 'est' | undefined;
}): DoorName => door ?? (flow === 'explicit' ? 'rest' : 'mqtt');
