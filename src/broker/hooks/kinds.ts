/** The kinds of brokers that ask over HTTP. */
export const hookKinds = ['emqx', 'rabbitmq', 'vernemq'] as const;
export type HookKind = (typeof hookKinds)[number];
