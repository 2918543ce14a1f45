/** All probes of the public URL, as a client and a browser see it. */
import { createOutbound } from '../../outbound/outbound.ts';
import {
  REQUEST_LIMIT_MS,
  runProbe,
  type DoctorDeps,
  type ProbeResult,
  type ProbeVerdict,
} from '../probe.ts';
import { examineAuthorizationHeader, examineValidators } from './caching.ts';
import type { PublicContext } from './context.ts';
import { examinePreflights, judgeOrigin } from './cross-origin.ts';
import { examinePublished, examineRefusal, type PublishedVerdict } from './metadata.ts';
import { examineRoutes, examineUnknownPath } from './routes.ts';

export type PublicInput = Omit<PublicContext, 'clock' | 'random' | 'outbound'>;

export interface PublicResult {
  readonly probes: readonly ProbeResult[];
  /** The first document that was fetched. */
  readonly document: Readonly<Record<string, unknown>> | undefined;
}

/** Asks everything. Throws only what is a bug. */
export async function examinePublicUrl(deps: DoctorDeps, input: PublicInput): Promise<PublicResult> {
  const { clock, random } = deps;
  const outbound = createOutbound({
    clock,
    // Whoever runs the doctor wrote this URL; inside a network it often leads to a private address.
    addresses: { allows: () => true },
    allowHttp: input.allowHttp,
    timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
    lookup: deps.lookup,
  });
  const context: PublicContext = { ...input, clock, random, outbound };
  const probe = (name: string, ask: () => Promise<ProbeVerdict> | ProbeVerdict): Promise<ProbeResult> =>
    runProbe(deps, `public URL: ${name}`, ask);
  try {
    let published: PublishedVerdict | undefined;
    const first = await probe('metadata', async () => {
      if (!input.oauthApi) return examineRefusal(context);
      published = await examinePublished(context);
      return published.findings;
    });
    const documents = published?.documents ?? [];
    const [document] = documents;
    const ifHad =
      (ask: () => Promise<ProbeVerdict> | ProbeVerdict): (() => Promise<ProbeVerdict> | ProbeVerdict) =>
      () =>
        document === undefined
          ? { skipped: input.oauthApi ? 'the metadata cannot be fetched' : 'oauth_api is off' }
          : ask();
    const facade = (ask: () => Promise<ProbeVerdict>): (() => Promise<ProbeVerdict> | ProbeVerdict) =>
      ifHad(() => (input.mode === 'facade' ? ask() : { skipped: 'in passthrough the provider has it' }));
    const rest = await Promise.all([
      probe(
        'cross-origin access',
        ifHad(() => documents.flatMap(({ answered }) => judgeOrigin(answered))),
      ),
      probe(
        'preflights',
        facade(() => examinePreflights(context)),
      ),
      probe(
        'routes',
        facade(() => examineRoutes(context)),
      ),
      probe(
        'unknown path',
        ifHad(() => examineUnknownPath(context)),
      ),
      probe(
        'caching',
        ifHad(() => (document === undefined ? [] : examineValidators(context, document.answered))),
      ),
      probe(
        'authorization header',
        facade(() => examineAuthorizationHeader(context)),
      ),
    ]);
    return { probes: [first, ...rest], document: document?.document };
  } finally {
    await outbound.close();
  }
}
