/** Preauthorizations: made by somebody beforehand, and withdrawn. */
import { randomUUID } from 'node:crypto';
import type { Permission } from '../../domain/permission.ts';
import { type PreauthorizationTerms, preauthorization } from '../../domain/preauthorization.ts';
import { mergeRights, noRights } from '../../domain/rights.ts';
import type { CreatePreauthorization } from '../api/input.ts';
import type { Authority } from '../authority.ts';
import { type Done, type RecordingOptions, record } from '../commands/record.ts';
import { Refused } from '../commands/refused.ts';
import { generateEnrolmentCode, type Passwords } from '../credentials/passwords/passwords.ts';
import { actorOf, type CommandContext, requireRoles } from './context.ts';

export interface PreauthorizationAdministrationOptions extends RecordingOptions {
  readonly authority: Authority;
  readonly passwords: Pick<Passwords, 'enrolmentCodeId'>;
  readonly now: () => string;
}

type Made = Done & {
  readonly preauthorizationId: string;
  /** The only time that it is told; null: the rule has none. */
  readonly enrolmentCode: string | null;
};

export function createPreauthorizationAdministration(
  options: PreauthorizationAdministrationOptions,
) {
  const { authority, now } = options;

  /** Whoever asks: people get their rights from people. @throws Refused `rights-exceed-own`, `role-not-found` */
  function requireNoHttpRights({ roles, permissions }: PreauthorizationTerms['rights']): void {
    requireRoles(authority, roles);
    const isHttp = ({ context }: Permission) => context === 'http';
    const role = roles.find((name) => authority.permissionsOf(name).some(isHttp));
    if (role === undefined && !permissions.some(isHttp)) return;
    throw new Refused('rights-exceed-own', {
      detail: `A preauthorization never gives HTTP rights: leave ${role === undefined ? 'those permissions' : `the role ${role}`} out, and grant them to a person by hand.`,
    });
  }

  return {
    createPreauthorization: async (
      context: CommandContext,
      wanted: CreatePreauthorization,
    ): Promise<Made> => {
      const preauthorizationId = randomUUID();
      const enrolmentCode = wanted.enrolmentCode === true ? generateEnrolmentCode() : null;
      const terms: PreauthorizationTerms = {
        effect: wanted.effect ?? 'allow',
        usernamePattern: wanted.usernamePattern ?? null,
        sources: wanted.sources ?? [],
        pairingId: wanted.pairingId ?? null,
        csrFingerprint: wanted.csrFingerprint ?? null,
        enrolmentCodeId:
          enrolmentCode === null ? null : options.passwords.enrolmentCodeId(enrolmentCode),
        rights: mergeRights(noRights, wanted),
        maxUses: wanted.maxUses ?? 1,
        until: wanted.until,
        note: wanted.note ?? null,
      };
      const create = () => {
        context.authorize();
        requireNoHttpRights(terms.rights);
        const by = actorOf(context);
        const type = 'CreatePreauthorization' as const;
        return { type, preauthorizationId, terms, at: now(), by };
      };
      const atHand = () => options.atHand.preauthorization(preauthorizationId);
      const done = await record(
        ...([options, preauthorization, preauthorizationId, create] as const),
        ...([context.cause, atHand] as const),
      );
      return { ...done, preauthorizationId, enrolmentCode };
    },

    withdrawPreauthorization: (
      context: CommandContext,
      preauthorizationId: string,
    ): Promise<Done> => {
      const withdraw = () => {
        context.authorize();
        const by = actorOf(context);
        const type = 'WithdrawPreauthorization' as const;
        return { type, preauthorizationId, reason: null, at: now(), by };
      };
      const atHand = () => options.atHand.preauthorization(preauthorizationId);
      return record(
        ...([options, preauthorization, preauthorizationId, withdraw] as const),
        ...([context.cause, atHand] as const),
      );
    },
  };
}
