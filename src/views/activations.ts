/** What each broker has acknowledged of a credential, and why one has not yet. */
import type { ActivationRow } from '../../projections/activations.ts';
import type { Activation } from '../api/output.ts';
import type { ActivationObstacle } from '../broker/ports/activation.ts';
import type { Rows } from '../read-models/row-table.ts';

export interface ActivationViewOptions {
  readonly rows: { readonly activations: Rows<ActivationRow> };
  /** The brokers that clients connect to, with their addresses. */
  readonly brokers: () => readonly { readonly name: string; readonly urls: readonly string[] }[];
  /** Why a client is not active at a broker. */
  readonly activationObstacle: (broker: string, username: string) => ActivationObstacle | undefined;
}

export interface ActivationViews {
  /** Of a credential; `active`: it should be active everywhere. */
  of(username: string, credentialId: string | null, active: boolean): Activation[];
  /** Why a pending request could not be activated, whatever is decided. */
  obstacles(username: string): Activation[];
}

export function createActivationViews(options: ActivationViewOptions): ActivationViews {
  const notYet = (broker: string, username: string): Activation => {
    const obstacle = options.activationObstacle(broker, username);
    const { status, detail } = obstacle ?? { status: 'waiting', detail: null };
    return { broker, status, at: null, detail };
  };
  return {
    of(username, credentialId, active) {
      const known = options.rows.activations.get(username)?.brokers ?? {};
      return options.brokers().flatMap(({ name }): Activation[] => {
        const found = known[name];
        const same = found?.credentialId === credentialId;
        if (active)
          return found?.active && same
            ? [{ broker: name, status: 'active', at: found.at, detail: null }]
            : [notYet(name, username)];
        return found && same
          ? [{ broker: name, status: 'inactive', at: found.at, detail: null }]
          : [];
      });
    },
    obstacles: (username) =>
      options
        .brokers()
        .map(({ name }) => notYet(name, username))
        .filter(({ status }) => status === 'failed'),
  };
}
