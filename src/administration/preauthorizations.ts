/** Preauthorizations: made by somebody beforehand, and withdrawn. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Permission } from '../../domain/permission.ts';
import { type PreauthorizationTerms, preauthorization } from '../../domain/preauthorization.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import {
  isOfAnyName,
  ofAnyNameSince,
  type PreauthorizationRow,
} from '../../projections/preauthorizations.ts';
import type { CreatePreauthorization } from '../api/input.ts';
import type { Authority } from '../authority.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { generateEnrolmentCode, type Passwords } from '../credentials/passwords/passwords.ts';
import { bulkAtOnceMax } from '../limits/administration.ts';
import { rulesEndedLookedAtMs, rulesOfAnyNameMax } from '../limits/doors.ts';
import { addMs } from '../platform/instant.ts';
import type { Rows } from '../read-models/row-table.ts';
import { actorOf, type CommandContext, requireRoles } from './context.ts';

export interface PreauthorizationAdministrationOptions extends RecordingOptions {
  readonly authority: Authority;
  readonly rows: { readonly preauthorizations: Rows<PreauthorizationRow> };
  readonly passwords: Pick<Passwords, 'enrolmentCodeId'>;
  readonly now: () => string;
}

/** A rule that was made, with its code (the only time that it is told), or why it was not. */
type ImportedRule =
  | { readonly preauthorizationId: string | null; readonly enrolmentCode: string | null }
  | { readonly error: unknown };

/** A rule, and the line that it stands on. */
interface RuleOfFile {
  readonly line: number;
  readonly rule: CreatePreauthorization;
}

/** What became of each, in their order. */
interface ImportedRules extends Done {
  readonly outcomes: readonly ImportedRule[];
}

type Made = Done & {
  readonly preauthorizationId: string;
  /** The only time that it is told; null: the rule has none. */
  readonly enrolmentCode: string | null;
};

const termsOf = (
  wanted: CreatePreauthorization,
  enrolmentCodeId: string | null,
): PreauthorizationTerms => ({
  effect: wanted.effect ?? 'allow',
  usernamePattern: wanted.usernamePattern ?? null,
  sources: wanted.sources ?? [],
  pairingId: wanted.pairingId ?? null,
  csrFingerprint: wanted.csrFingerprint ?? null,
  enrolmentCodeId,
  rights: mergeRights(noRights, wanted),
  maxUses: wanted.maxUses ?? 1,
  until: wanted.until,
  note: wanted.note ?? null,
});

/** How many more rules there may be of any name; the rows of those made last may not be there yet. */
interface Room {
  left: number;
}

/** How rules are recorded, and what room there is for them. */
interface Into {
  readonly recording: RecordingOptions;
  readonly room: Room;
}

function roomIn({ rows, now }: Pick<PreauthorizationAdministrationOptions, 'rows' | 'now'>): Room {
  const since = addMs(now(), -rulesEndedLookedAtMs);
  const standing = rows.preauthorizations.count(ofAnyNameSince(since), rulesOfAnyNameMax);
  return { left: rulesOfAnyNameMax - standing };
}

/** Takes a place of those. @throws Refused `preauthorizations-full` */
function takePlace(room: Room, terms: PreauthorizationTerms): void {
  if (!isOfAnyName({ terms })) return;
  if (room.left <= 0) throw new Refused('preauthorizations-full');
  room.left -= 1;
}

/** Whoever asks: people get their rights from people. @throws Refused `rights-exceed-own`, `role-not-found` */
const requireNoHttpRights =
  (authority: Authority) =>
  ({ roles, permissions }: PreauthorizationTerms['rights']): void => {
    requireRoles(authority, roles);
    const isHttp = ({ context }: Permission) => context === 'http';
    const role = roles.find((name) => authority.permissionsOf(name).some(isHttp));
    if (role === undefined && !permissions.some(isHttp)) return;
    throw new Refused('rights-exceed-own', {
      detail: `A preauthorization never gives HTTP rights: leave ${role === undefined ? 'those permissions' : `the role ${role}`} out, and grant them to a person by hand.`,
    });
  };

/**
 * Many at once share a commit, and their rows are waited for once, at the end. Nothing that happens after the first
 * was made is thrown: the codes are told in the answer and nowhere else.
 */
async function importRules(
  wanted: readonly RuleOfFile[],
  options: PreauthorizationAdministrationOptions,
  make: (one: RuleOfFile, into: Into) => Promise<Exclude<ImportedRule, { error: unknown }> & Done>,
): Promise<ImportedRules> {
  const into = {
    recording: { ...options, settled: async () => undefined },
    room: roomIn(options),
  };
  const outcomes: ImportedRule[] = [];
  let position = options.position();
  for (let at = 0; at < wanted.length; at += bulkAtOnceMax) {
    const made = wanted.slice(at, at + bulkAtOnceMax).map(async (one): Promise<ImportedRule> => {
      try {
        const { position: stands, ...rule } = await make(one, into);
        if (stands > position) position = stands;
        return rule;
      } catch (error) {
        return { error };
      }
    });
    outcomes.push(...(await Promise.all(made)));
    await nextTurn();
  }
  await options.settled(position).catch(() => undefined);
  return { position, outcomes };
}

/** Makes a rule, and its code where it has one. */
function ruleMaker(options: PreauthorizationAdministrationOptions) {
  const { authority, now } = options;
  const requireNoHttp = requireNoHttpRights(authority);

  return async (
    context: CommandContext,
    wanted: CreatePreauthorization,
    { recording, room }: Into,
    /** Which of several rules of one command, so that each has an id and a code of its own. */
    which = 'the rule',
  ): Promise<Made> => {
    const { making } = context;
    const preauthorizationId = making.id(which);
    const enrolmentCode =
      wanted.enrolmentCode === true ? generateEnrolmentCode(making, which) : null;
    const enrolmentCodeId =
      enrolmentCode === null ? null : options.passwords.enrolmentCodeId(enrolmentCode);
    const terms = termsOf(wanted, enrolmentCodeId);
    const atHand = () => options.atHand.preauthorization(preauthorizationId);
    // What is repeated has its place.
    if (options.rows.preauthorizations.get(preauthorizationId) === undefined)
      takePlace(room, terms);
    const create = () => {
      context.authorize();
      requireNoHttp(terms.rights);
      const type = 'CreatePreauthorization' as const;
      return { type, preauthorizationId, terms, at: now(), by: actorOf(context) };
    };
    const done = await record(
      ...([recording, preauthorization, preauthorizationId, create] as const),
      ...([context.cause, atHand] as const),
    );
    return { ...done, preauthorizationId, enrolmentCode };
  };
}

const withdrawing =
  (options: PreauthorizationAdministrationOptions) =>
  (context: CommandContext, preauthorizationId: string): Promise<Done> => {
    const withdraw = () => {
      context.authorize();
      const [at, by] = [options.now(), actorOf(context)];
      const type = 'WithdrawPreauthorization' as const;
      return { type, preauthorizationId, reason: null, at, by };
    };
    const atHand = () => options.atHand.preauthorization(preauthorizationId);
    return record(
      ...([options, preauthorization, preauthorizationId, withdraw] as const),
      ...([context.cause, atHand] as const),
    );
  };

export function createPreauthorizationAdministration(
  options: PreauthorizationAdministrationOptions,
) {
  const requireNoHttp = requireNoHttpRights(options.authority);
  const make = ruleMaker(options);

  return {
    createPreauthorization: (
      context: CommandContext,
      wanted: CreatePreauthorization,
    ): Promise<Made> => make(context, wanted, { recording: options, room: roomIn(options) }),

    /** Makes all that may be made, in their order; a dry run only says whether they may. */
    importPreauthorizations: (
      context: CommandContext,
      wanted: readonly RuleOfFile[],
      isDryRun: boolean,
    ): Promise<ImportedRules> =>
      importRules(wanted, options, async ({ line, rule }, into) => {
        if (!isDryRun) return await make(context, rule, into, `the rule of line ${line}`);
        context.authorize();
        const terms = termsOf(rule, rule.enrolmentCode === true ? '' : null);
        takePlace(into.room, terms);
        requireNoHttp(terms.rights);
        const { position } = into.recording;
        return { position: position(), preauthorizationId: null, enrolmentCode: null };
      }),

    withdrawPreauthorization: withdrawing(options),
  };
}
