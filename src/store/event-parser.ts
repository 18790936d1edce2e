/**
 * Parses many events by code that zod makes of their schema (`z.compile`): in half of the time, with zod's own verdict. A
 * union gets it for each kind of event when the first of it comes: of all kinds at once it would be too long for V8 to
 * optimize.
 */
import { z } from 'zod';

type Parse<Event> = (event: unknown) => Event;

const parsers = new WeakMap<z.ZodType, Parse<unknown>>();

/** The same function for the same schema; it throws what `schema.parse` throws. */
export function parserOf<Event>(schema: z.ZodType<Event>): Parse<Event> {
  const known = parsers.get(schema) as Parse<Event> | undefined;
  if (known !== undefined) return known;
  const parser =
    schema instanceof z.ZodDiscriminatedUnion ? unionParser<Event>(schema) : compiled(schema);
  parsers.set(schema, parser);
  return parser;
}

function compiled<Event>(schema: z.ZodType<Event>): Parse<Event> {
  const fast = z.compile(schema);
  return (event) => fast.parse(event);
}

function unionParser<Event>(union: z.ZodDiscriminatedUnion): Parse<Event> {
  const { discriminator } = union.def;
  const byKind = new Map<unknown, z.ZodType>();
  const kindOf = (event: unknown): z.ZodType | undefined => {
    const kind = (event as Record<string, unknown> | null | undefined)?.[discriminator];
    const known = byKind.get(kind);
    if (known !== undefined) return known;
    const option = z.getDiscriminatedOption(union, kind as never);
    if (option === undefined) return undefined;
    const fast = z.compile(option as z.ZodType);
    byKind.set(kind, fast);
    return fast;
  };
  return (event) => {
    const parsed = kindOf(event)?.safeParse(event);
    // What is wrong with an event is for the whole schema to say.
    return (parsed?.success === true ? parsed.data : union.parse(event)) as Event;
  };
}
