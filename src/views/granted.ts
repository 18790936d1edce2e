/** The answer to a client that was granted access: its rights, and the brokers it may connect to. */
import type { Authority } from '../authority.ts';
import type { ActivationViewOptions } from './activations.ts';

export interface GrantedViewOptions extends Pick<ActivationViewOptions, 'brokers'> {
  readonly authority: Authority;
}

export function createGrantedViews(options: GrantedViewOptions) {
  return {
    /** Undefined: the client has no access now. */
    registered(username: string) {
      const principal = options.authority.principal(username);
      if (principal?.row.status !== 'active') return undefined;
      const { rights, requestId } = principal.row;
      return {
        status: 'granted' as const,
        requestId,
        username,
        roles: rights.roles,
        permissions: rights.permissions,
        mqttPublishPrefix: rights.mqttPublishPrefix,
        mqttClientId: rights.mqttClientId,
        expiresAt: rights.expiresAt,
        effectivePermissions: [...principal.effective],
        brokers: options.brokers().map(({ name, urls }) => ({ name, urls: [...urls] })),
        certificate: null,
      };
    },
  };
}
