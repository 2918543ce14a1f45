/** All probes of one provider: its metadata first, then everything that the metadata names, at the same time. */
import { createProviderOutbound } from '../../upstream/provider.ts';
import { resolveSettings, type ResolvedSettings } from '../../upstream/resolved-settings.ts';
import type { ProviderSettings } from '../../upstream/settings.ts';
import type { Answered } from '../look.ts';
import { runProbe, type DoctorDeps, type ProbeResult, type ProbeVerdict } from '../probe.ts';
import { examineAuthorization } from './authorization.ts';
import { examineClient } from './client-authentication.ts';
import { judgeClock } from './clock.ts';
import type { LocalpartClaims, ProviderContext } from './context.ts';
import { judgeDemands, type Demands } from './demands.ts';
import { examineKeys } from './keys.ts';
import { examinePasswordGrant } from './password-grant.ts';
import { examineMetadata, type MetadataVerdict } from './metadata.ts';
import { examineUserinfo } from './userinfo.ts';

export interface ProviderInput extends Demands {
  readonly settings: ProviderSettings;
  /** `provider main`. */
  readonly subject: string;
  /** `providers[0]`. */
  readonly place: string;
  /** Ours; without it there is no client yet, and what needs one is left out. */
  readonly redirectUri?: string | undefined;
  /** Whether it is asked for passwords. Default false. */
  readonly takesPasswords?: boolean | undefined;
  /** The claims that the localpart is made of. */
  readonly localpartClaims: LocalpartClaims;
}

export interface ProviderResult {
  readonly probes: readonly ProbeResult[];
  readonly settings: ResolvedSettings;
  readonly metadata: MetadataVerdict;
}

/** Asks everything. Throws only what is a bug. */
export async function examineProvider(deps: DoctorDeps, input: ProviderInput): Promise<ProviderResult> {
  const { clock, random } = deps;
  const settings = resolveSettings(input.settings);
  const outbound = createProviderOutbound(settings, { clock, ...(deps.lookup && { lookup: deps.lookup }) });
  const { subject, place, redirectUri = '' } = input;
  const context: ProviderContext = { clock, random, outbound, settings, subject, place, redirectUri };
  const probe = (name: string, ask: () => Promise<ProbeVerdict> | ProbeVerdict): Promise<ProbeResult> =>
    runProbe(deps, `${subject}: ${name}`, ask);
  const seen: (Answered & { receivedAt: number })[] = [];
  const remember = (answered: Answered | undefined): void => {
    if (answered !== undefined) seen.unshift({ ...answered, receivedAt: clock.now() });
  };
  try {
    let metadata: MetadataVerdict | undefined;
    const first = await probe('metadata', async () => {
      metadata = await examineMetadata(context, input.localpartClaims);
      remember(metadata.answered);
      return [...metadata.findings, ...judgeDemands(context, metadata, input)];
    });
    const server = metadata?.server;
    const rest = await Promise.all([
      probe('keys', () => examineKeys(context, server)),
      ...(input.redirectUri === undefined
        ? []
        : [
            probe('client authentication', async () => {
              const { verdict, answered } = await examineClient(context, server);
              remember(answered);
              return verdict;
            }),
            probe('authorization request', () =>
              examineAuthorization(context, server, metadata?.document?.['issuer']),
            ),
          ]),
      ...(input.takesPasswords === true
        ? [probe('password grant', () => examinePasswordGrant(context, server))]
        : []),
      probe('userinfo', () => examineUserinfo(context, server)),
    ]);
    const last = await probe('clock', () => judgeClock(context, seen));
    const nothing = { findings: [], document: undefined, server: undefined, answered: undefined };
    return { probes: [first, ...rest, last], settings, metadata: metadata ?? nothing };
  } finally {
    await outbound.close();
  }
}
