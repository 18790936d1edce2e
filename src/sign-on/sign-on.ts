/** Single sign-on as the service offers it: each way there and back is good once, for a time, and few wait at once. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isConfidential } from '../config/sso-values.ts';
import {
  deviceSignInMaxMs,
  deviceSignInsMax,
  deviceSignInsPerSourceMax,
  ssoFlowMs,
  ssoFlowsSeenMax,
} from '../limits/sign-on.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { addMs } from '../platform/instant.ts';
import type { ProvenPerson } from './claims.ts';
import { type IdentityProvider, NotProven } from './identity-provider.ts';
import { ProviderUnavailable } from './provider-fetch.ts';
import type { Sealing } from './sealing.ts';

/** As many wait as may. */
export class TooManyWaiting extends Error {
  override name = 'TooManyWaiting';
}

interface DeviceSignIn {
  readonly userCode: string;
  readonly verificationUri: string;
  /** Ours, good on every node. */
  readonly deviceCode: string;
  readonly intervalS: number;
}

interface WaitingSignIn {
  readonly waiting: true;
  readonly intervalS: number;
}

/** Rejects with NotProven and ProviderUnavailable. */
export interface SignOn {
  /** Where a browser is sent, and what it keeps until it comes back. */
  begin(): Promise<{ readonly url: string; readonly kept: string }>;
  /** @param query as the browser came back with it @param kept null: it kept nothing */
  finish(query: string, kept: string | null): Promise<ProvenPerson>;
  /** @throws TooManyWaiting too */
  beginDevice(source: string): Promise<DeviceSignIn>;
  askDevice(deviceCode: string): Promise<ProvenPerson | WaitingSignIn>;
}

const Flow = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });
const Device = z.object({ id: z.string(), code: z.string(), intervalS: z.number() });

/** What a person reads on a terminal. */
const ShownCode = z.string().regex(/^[\x21-\x7e][\x20-\x7e]{0,63}$/);
const ShownUri = z
  .string()
  .max(1_024)
  .regex(/^[\x21-\x7e]+$/)
  .refine(isConfidential);

interface SignOnParts {
  readonly provider: IdentityProvider;
  readonly sealing: Sealing;
  /** ISO instant. */
  readonly now: () => string;
}

export const createSignOn = (parts: SignOnParts): SignOn => ({
  ...byPage(parts),
  ...byDevice(parts),
});

function byPage({ provider, sealing, now }: SignOnParts): Pick<SignOn, 'begin' | 'finish'> {
  const used = new BoundedMap<string, true>(ssoFlowsSeenMax);
  return {
    async begin() {
      const { url, flow } = await provider.begin();
      return { url, kept: sealing.seal('page', flow, addMs(now(), ssoFlowMs)) };
    },

    async finish(query, kept) {
      const flow = Flow.safeParse(kept === null ? null : sealing.open('page', kept, now()));
      if (!flow.success || used.has(flow.data.state))
        throw new NotProven('this way back was not begun here, is over, or was used');
      used.set(flow.data.state, true);
      return await provider.finish(query, flow.data);
    },
  };
}

/** Those that began here and wait: so many in all, so many of one source. */
function createWaitingSignIns(now: () => string) {
  const waiting = new Map<string, { readonly source: string; readonly until: string }>();
  return {
    /** @throws TooManyWaiting */
    enter(id: string, source: string): void {
      for (const [other, { until }] of waiting) if (until <= now()) waiting.delete(other);
      const fromThere = [...waiting.values()].filter((one) => one.source === source).length;
      if (waiting.size >= deviceSignInsMax || fromThere >= deviceSignInsPerSourceMax)
        throw new TooManyWaiting();
      waiting.set(id, { source, until: addMs(now(), deviceSignInMaxMs) });
    },
    leave: (id: string) => waiting.delete(id),
  };
}

type WaitingSignIns = ReturnType<typeof createWaitingSignIns>;

function byDevice(parts: SignOnParts): Pick<SignOn, 'beginDevice' | 'askDevice'> {
  const waiting = createWaitingSignIns(parts.now);
  return { beginDevice: beginningDevice(parts, waiting), askDevice: askingDevice(parts, waiting) };
}

const beginningDevice =
  ({ provider, sealing, now }: SignOnParts, waiting: WaitingSignIns): SignOn['beginDevice'] =>
  async (source) => {
    const id = randomUUID();
    waiting.enter(id, source);
    try {
      const { code, expiresInS, ...begun } = await provider.beginDevice();
      const userCode = ShownCode.safeParse(begun.userCode);
      const verificationUri = ShownUri.safeParse(begun.verificationUri);
      if (!userCode.success || !verificationUri.success)
        throw new ProviderUnavailable('its code or address for devices is none to show');
      const intervalS = Math.min(Math.max(begun.intervalS, 1), 60);
      const until = addMs(now(), Math.min(expiresInS * 1_000, deviceSignInMaxMs));
      return {
        ...{ userCode: userCode.data, verificationUri: verificationUri.data, intervalS },
        deviceCode: sealing.seal('device', { id, code, intervalS }, until),
      };
    } catch (error) {
      waiting.leave(id);
      throw error;
    }
  };

function askingDevice(
  { provider, sealing, now }: SignOnParts,
  waiting: WaitingSignIns,
): SignOn['askDevice'] {
  /** When each may ask next, or `done`. */
  const asked = new BoundedMap<string, { nextAt: string; intervalS: number } | 'done'>(
    ssoFlowsSeenMax,
  );
  const over = (id: string) => {
    waiting.leave(id);
    asked.set(id, 'done');
  };
  const notBefore = (id: string, intervalS: number) =>
    asked.set(id, { nextAt: addMs(now(), intervalS * 1_000), intervalS });

  return async (deviceCode) => {
    const device = Device.safeParse(sealing.open('device', deviceCode, now()));
    const before = device.success ? asked.get(device.data.id) : 'done';
    if (!device.success || before === 'done')
      throw new NotProven('this sign-in was not begun here, is over, or was used');
    const { id, code } = device.data;
    const intervalS = before?.intervalS ?? device.data.intervalS;
    if (before !== undefined && before.nextAt > now()) return { waiting: true, intervalS };
    notBefore(id, intervalS);
    try {
      const answer = await provider.askDevice(code);
      if (typeof answer === 'string') {
        const slower = answer === 'slow-down' ? intervalS + 5 : intervalS;
        notBefore(id, slower);
        return { waiting: true, intervalS: slower };
      }
      // Of two that asked at once one gets in.
      if (asked.get(id) === 'done') throw new NotProven('this sign-in was used');
      over(id);
      return answer;
    } catch (error) {
      if (error instanceof NotProven) over(id);
      throw error;
    }
  };
}
