/**
 * What is there, or comes. To await what is there already costs a kilobyte and a turn of the queue each time: where
 * thousands ask in a second, that is most of an answer.
 */

export type Soon<Value> = Value | Promise<Value>;

/** Goes on with it: at once where it is there. */
export const soon = <Value, Next>(
  value: Soon<Value>,
  next: (value: Value) => Soon<Next>,
): Soon<Next> => (value instanceof Promise ? value.then(next) : next(value));
