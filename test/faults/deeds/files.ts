/** Rules from files, and backups: what was told as made is there; a backup is whole, or it is none. */
import { backupFaults, ruleFaults } from '../oracles/deeds.ts';
import type { Deeds, Running } from './deeds.ts';

const base = '/api/client-registry/preauthorizations';
const rulesAFile = 30;
const lookedAt = 40;

export function importDeeds(): Deeds {
  const made: string[] = [];
  let files = 0;
  return {
    acknowledged: () => made.length,
    async act({ served, token }) {
      const file = files++;
      const lines = Array.from(
        { length: rulesAFile },
        (_, at) => `rule-${file}-${at},2999-01-01T00:00:00.000Z,make`,
      );
      const response = await fetch(`${served.url}${base}/import`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/csv', Authorization: `Bearer ${token}` },
        body: ['usernamePattern,until,enrolmentCode', ...lines].join('\n'),
      });
      const { items = [] } = (await response.json()) as {
        items?: { preauthorizationId?: string }[];
      };
      made.push(...items.flatMap(({ preauthorizationId }) => preauthorizationId ?? []));
    },
    async look({ served, token, chance }) {
      const violations: string[] = [];
      for (let count = 0; count < Math.min(lookedAt, made.length); count++) {
        const id = count < rulesAFile ? made.at(-1 - count) : chance.pick(made);
        const { status, body } = await served.call('GET', `${base}/${id}`, { token });
        violations.push(...ruleFaults(String(id), status, body));
      }
      return violations;
    },
  };
}

/** A backup that came to its end is whole; one whose service was killed is refused. */
export function backupDeeds(): Deeds {
  let [whole, brokenOff] = [0, 0];
  const violations: string[] = [];
  const read = async (parts: readonly Uint8Array[], isEnded: boolean) => {
    const found = await backupFaults(Buffer.concat(parts), isEnded);
    if (isEnded && found.length === 0) whole++;
    violations.push(...found);
  };
  const lastPortions: Uint8Array[][] = [];
  return {
    acknowledged: () => whole + brokenOff,
    async act({ served, token }: Running) {
      const response = await fetch(`${served.url}/api/backup`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: '{}',
      });
      if (response.status !== 200) {
        await response.arrayBuffer();
        return;
      }
      const parts: Uint8Array[] = [];
      try {
        for await (const part of response.body ?? []) parts.push(part);
      } catch (error) {
        lastPortions.push(parts);
        brokenOff++;
        throw error;
      }
      await read(parts, true);
    },
    async look() {
      for (const parts of lastPortions.splice(0)) await read(parts, false);
      return violations.splice(0);
    },
  };
}
