/** The kinds of brokers that ask over HTTP. */
export const hookKinds = ['emqx', 'rabbitmq', 'vernemq', 'mosquitto-go-auth'] as const;
export type HookKind = (typeof hookKinds)[number];
