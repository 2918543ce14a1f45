/** A whole visit: the configuration, and then everything that it names, at the same time. */
import type { Inspection } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { alternativesOf, claimsOf } from '../protocol/claim-template.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { judgeConfiguration } from './configuration.ts';
import { finding, type Finding } from './finding.ts';
import { examineAccess, type WithToken } from './homeserver-access.ts';
import { examineInterface } from './homeserver-interface.ts';
import { examineHomeserver } from './homeserver.ts';
import { runProbe, type DoctorDeps, type ProbeResult } from './probe.ts';
import { pkceOf } from './provider/abilities.ts';
import { examineProvider, type ProviderResult } from './provider/examine.ts';
import { examinePublicUrl } from './public-url/examine.ts';
import { summarise, type ReportBase } from './report.ts';
import { examineService, notRunning, type ServiceInput } from './service.ts';
import { canSignIn, whoCannotSignIn } from './who-signs-in.ts';

export interface Report extends ReportBase {
  /** The configuration file, absolute. */
  readonly file: string;
  /** What is wrong at the providers, in terms of people: one sentence; `null` if everybody can sign in. */
  readonly who_cannot_sign_in: string | null;
  readonly providers: readonly ProviderSummary[];
}

export interface ProviderSummary {
  readonly id: string;
  readonly issuer: string;
  readonly preset: string;
  /** Whether somebody can sign in with it, as far as can be seen from here. */
  readonly can_sign_in: boolean;
  /** `null` if the metadata could not be fetched. */
  readonly pkce: 'S256' | 'none' | null;
  /** `Cache-Control` of its metadata, by which it is fetched again; `null` if it says nothing. */
  readonly cache_control: string | null;
  /** What belongs into the client's settings at the provider. */
  readonly register: { readonly redirect_uri: string; readonly backchannel_logout_uri: string };
  /** When the provider last confirmed the documents that survive a restart (RFC 3339); `null` if there are none. */
  readonly last_good: { readonly metadata: string | null; readonly keys: string | null };
}

/** When a provider last confirmed a document that is in the database. */
export interface StoredDocumentAge {
  readonly providerId: string;
  readonly kind: 'metadata' | 'jwks';
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/** What the homeserver has not been told yet. */
export interface OutboxBacklog {
  readonly entries: number;
  /** When the oldest entry was written, in milliseconds since the epoch; null if there is none. */
  readonly oldest: number | null;
}

export interface DiagnosisInput {
  /** Absolute. */
  readonly file: string;
  readonly inspection: Inspection;
  /** Reads the ages of the last good documents; rejects, with words for the operator, if the database cannot be read. */
  readonly readStored: (config: Config) => Promise<readonly StoredDocumentAge[]>;
  /** As `readStored`. */
  readonly readBacklog: (config: Config) => Promise<OutboxBacklog>;
  /** Lends an access token of a user of the service's own, and ends it. */
  readonly withToken: (config: Config) => WithToken;
}

/** Examines a set-up. With faults in the configuration there is nothing else to ask, and the exit code is 2. Throws only what is a bug. */
export async function diagnose(deps: DoctorDeps, input: DiagnosisInput): Promise<Report> {
  const { file, inspection } = input;
  const configuration = await runProbe(deps, 'configuration', () => judgeConfiguration(file, inspection));
  const { config } = inspection;
  if (config === undefined)
    return { ...summarise([configuration], true), file, who_cannot_sign_in: null, providers: [] };

  let stored: readonly StoredDocumentAge[] = [];
  const database = runProbe(deps, 'database', async () => {
    try {
      stored = await input.readStored(config);
      return judgeBacklog(await input.readBacklog(config), deps.clock.now());
    } catch (error) {
      return [unreadable(error)];
    }
  });
  const service = serviceInput(config);
  const [databaseResult, serviceResult, publicResult, homeserver, itsInterface, ...providers] =
    await Promise.all([
      database,
      examineService(deps, service),
      examinePublicUrl(deps, {
        publicUrl: config.public_url,
        mode: config.mode,
        oauthApi: config.oauth_api,
        issuer: service.issuer,
        providerIds: config.providers.map(({ id }) => id),
        maxAgeSeconds: config.metadata.max_age_seconds,
        allowHttp: config.public_url_allow_http,
      }),
      examineHomeserver(deps, {
        serverName: config.server_name,
        baseUrl: config.homeserver.public_url,
        allowHttp: config.homeserver.allow_http,
        publicUrl: config.public_url,
        oauthApi: config.oauth_api,
        issuer: service.issuer,
        offeredLogin:
          config.mode === 'facade'
            ? { sso: config.legacy_login.sso, password: config.legacy_login.password !== false }
            : undefined,
      }),
      examineInterface(deps, config.homeserver),
      ...config.providers.map((settings, index) =>
        examineProvider(deps, {
          settings,
          subject: `provider ${settings.id}`,
          place: `providers[${index}]`,
          redirectUri: endpointUrl(config.public_url, `upstream/${settings.id}/callback`),
          localpartClaims: alternativesOf(settings.claims.localpart).map(claimsOf),
          takesPasswords: takesPasswords(config, settings.id),
          passesMetadataOn: config.mode === 'passthrough',
          needsAuthTime: offersUserInteractive(config),
        }),
      ),
    ]);
  const access = await examineAccess(deps, {
    ...config.homeserver,
    serverName: config.server_name,
    publicUrl: config.public_url,
    listens: serviceResult.listens,
    withToken: input.withToken(config),
  });
  const publicProbes =
    serviceResult.listens === false
      ? explainSilence(publicResult.probes, service, file)
      : publicResult.probes;
  const probes = [
    configuration,
    databaseResult,
    ...serviceResult.probes,
    ...providers.flatMap((provider) => provider.probes),
    ...publicProbes,
    ...(serviceResult.listens === false ? homeserver.map(withoutOurSilence) : homeserver),
    itsInterface,
    ...access,
  ];
  return {
    ...summarise(probes),
    file,
    who_cannot_sign_in: whoCannotSignIn(
      config.providers.map(({ id, name = id }, index) => ({
        id,
        name,
        findings: findingsOf(providers[index]),
      })),
    ),
    providers: providers.map((provider) =>
      summariseProvider(provider, { stored, publicUrl: config.public_url }),
    ),
  };
}

/** Whether login by password asks this provider. */
function takesPasswords({ mode, legacy_login: { password } }: Config, id: string): boolean {
  if (mode !== 'facade' || password === false) return false;
  return password === true || (password.provider ?? id) === id;
}

/** Apps without OAuth delete devices by user-interactive authentication, on pages of the homeserver's origin. */
function offersUserInteractive({ homeserver, legacy_login: { sso, password } }: Config): boolean {
  return homeserver.public_url !== undefined && (sso || password !== false);
}

function serviceInput(config: Config): ServiceInput {
  const { listen, operations } = config;
  return {
    publicUrl: config.public_url,
    oauthApi: config.oauth_api,
    issuer: config.mode === 'facade' ? config.public_url : (config.providers[0]?.issuer ?? ''),
    listen: listen.socket === undefined ? { host: listen.host, port: listen.port } : undefined,
    operations,
  };
}

/** Nothing listens here and nobody answers there: one finding says more than five. */
function explainSilence(
  probes: readonly ProbeResult[],
  service: ServiceInput,
  file: string,
): readonly ProbeResult[] {
  const codes = new Set(probes.flatMap(({ findings }) => findings.map(({ code }) => code)));
  const silent =
    codes.size > 0 &&
    [...codes].every((code) => code === 'public_url.unreachable' || code === 'public_url.bad_gateway');
  if (!silent) return probes;
  return probes.map((probe) =>
    probe.findings.length === 0 ? probe : { ...probe, findings: [notRunning(service, file)] },
  );
}

/** A service that does not run answers nowhere: the public URL tells. */
function withoutOurSilence(probe: ProbeResult): ProbeResult {
  return probe.findings.some(({ code }) => code === 'homeserver.not_proxied')
    ? { name: probe.name, outcome: 'skipped', why: 'the service does not run', findings: [] }
    : probe;
}

/** How long an entry may wait, in milliseconds, before that is worth a word. */
const PATIENCE = 10 * 60_000;

function judgeBacklog({ entries, oldest }: OutboxBacklog, now: number): readonly Finding[] {
  if (oldest === null || now - oldest < PATIENCE) return [];
  return [
    finding({
      code: 'homeserver.outbox_waiting',
      subject: 'homeserver',
      probed: 'database.url',
      expected: 'a homeserver that is told of each change at once',
      seen: `${entries} changes that it has not acknowledged, the oldest since ${new Date(oldest).toISOString()}`,
      remedy:
        'gatehouse homeserver status tells which, and whether it answers now; the log of the service tells why it did not.',
    }),
  ];
}

function unreadable(error: unknown): ReturnType<typeof finding> {
  return finding({
    code: 'database.unreadable',
    subject: 'configuration',
    probed: 'database.url',
    expected: 'a database that this user may read, for the age of the last good documents',
    seen: error instanceof Error ? error.message : 'an unknown error',
    remedy: 'Run the doctor as the user of the service, or see that the database is up.',
  });
}

function findingsOf(provider: ProviderResult | undefined): Finding[] {
  return provider?.probes.flatMap(({ findings }) => findings) ?? [];
}

function summariseProvider(
  provider: ProviderResult,
  { stored, publicUrl }: { readonly stored: readonly StoredDocumentAge[]; readonly publicUrl: string },
): ProviderSummary {
  const { settings, metadata } = provider;
  const when = (kind: StoredDocumentAge['kind']): string | null => {
    const found = stored.find((each) => each.providerId === settings.id && each.kind === kind);
    return found === undefined ? null : new Date(found.fetchedAt).toISOString();
  };
  const { server } = metadata;
  return {
    id: settings.id,
    issuer: settings.issuer,
    preset: settings.preset.name,
    can_sign_in: canSignIn({ findings: findingsOf(provider) }),
    pkce: server === undefined ? null : pkceOf(server, settings),
    cache_control: metadata.answered?.answer.headers['cache-control'] ?? null,
    register: {
      redirect_uri: endpointUrl(publicUrl, `upstream/${settings.id}/callback`),
      backchannel_logout_uri: endpointUrl(publicUrl, `upstream/${settings.id}/backchannel-logout`),
    },
    last_good: { metadata: when('metadata'), keys: when('jwks') },
  };
}
