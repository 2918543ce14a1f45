/** What can be done with a provider before anything is configured: which mode, which preset, what is missing. */
import { stringify } from 'yaml';
import { metadataFaults } from '../metadata/check.ts';
import { passthroughMetadata } from '../metadata/passthrough.ts';
import { API_SCOPE } from '../protocol/scope.ts';
import { createOutbound } from '../outbound/outbound.ts';
import type { Preset } from '../upstream/presets/preset.ts';
import { resolveSettings } from '../upstream/resolved-settings.ts';
import type { ProviderSettings } from '../upstream/settings.ts';
import { JsonFault, parseJsonObject } from '../protocol/strict-json.ts';
import { severities } from './finding.ts';
import { findMetadata } from './find-metadata.ts';
import { recognisePreset } from './preset-shapes.ts';
import { runProbe, type DoctorDeps, type ProbeResult } from './probe.ts';
import { examineProvider } from './provider/examine.ts';
import { judgeMetadata } from './provider/metadata.ts';
import { summarise, type ReportBase } from './report.ts';

type Document = Readonly<Record<string, unknown>>;

export interface ProviderReport extends ReportBase {
  /** As it was given: a URL, or a file. */
  readonly source: string;
  /** `null` if no metadata could be read. */
  readonly provider: ProviderJudgement | null;
}

export interface ProviderJudgement {
  readonly issuer: string;
  readonly preset: {
    readonly name: string;
    readonly title: string;
    readonly evidence: Preset['evidence'];
    readonly notes: readonly string[];
  };
  readonly modes: {
    readonly facade: { readonly fits: boolean; readonly reasons: readonly string[] };
    readonly passthrough: { readonly fits: boolean; readonly reasons: readonly string[] };
  };
  /** Members that its metadata does not have, and what follows from that. */
  readonly missing: readonly { readonly member: string; readonly consequence: string }[];
  /** An entry of `providers` to begin with, in YAML. */
  readonly configuration: string;
}

const SUBJECT = 'provider';

/** Judges a provider by its URL: an issuer, or where its metadata is. Throws only what is a bug. */
export async function judgeProviderUrl(deps: DoctorDeps, source: string): Promise<ProviderReport> {
  const found = await findMetadata(deps, source);
  const settings: ProviderSettings = { ...found, id: 'main', client_id: 'gatehouse' };
  const result = await examineProvider(deps, {
    settings,
    subject: SUBJECT,
    place: 'providers[0]',
    localpartClaims: [],
  });
  return reportOf(source, settings, result.probes, result.metadata.document);
}

/** Judges a metadata document that was saved before; nobody is asked. */
export async function judgeProviderFile(
  deps: DoctorDeps,
  source: string,
  text: string,
): Promise<ProviderReport> {
  let document: Document;
  try {
    document = parseJsonObject(text);
  } catch (error) {
    if (error instanceof JsonFault) throw new UnreadableSource(`${source}: ${error.message}`);
    throw error;
  }
  const issuer = typeof document['issuer'] === 'string' ? document['issuer'] : '';
  if (URL.parse(issuer) === null) throw new UnreadableSource(`${source}: it states no issuer`);
  const preset = recognisePreset(document)?.name;
  const settings: ProviderSettings = { id: 'main', client_id: 'gatehouse', issuer, preset };
  const nobody = createOutbound({ ...deps, addresses: { allows: () => false } });
  const context = {
    ...deps,
    outbound: nobody,
    settings: resolveSettings(settings),
    subject: SUBJECT,
    place: 'providers[0]',
    redirectUri: '',
  };
  const probes = [
    await runProbe(deps, 'provider: metadata', () => judgeMetadata(context, source, document, []).findings),
    await runProbe(deps, 'provider: keys', () => ({ skipped: 'a file is judged without asking anybody' })),
  ];
  await nobody.close();
  return reportOf(source, settings, probes, document);
}

/** What was named is no metadata at all: the doctor cannot begin. */
export class UnreadableSource extends Error {
  override readonly name = 'UnreadableSource';
}

function reportOf(
  source: string,
  settings: ProviderSettings,
  probes: readonly ProbeResult[],
  document: Document | undefined,
): ProviderReport {
  const base = summarise(probes);
  if (document === undefined) return { ...base, source, provider: null };
  const { preset } = resolveSettings(settings);
  const obstacles = base.findings.filter(({ code }) => severities[code] === 'error');
  const reasons = passthroughFaults(document, settings);
  return {
    ...base,
    source,
    provider: {
      issuer: settings.issuer,
      preset: {
        name: preset.name,
        title: preset.title,
        evidence: preset.evidence,
        notes: preset.notes ?? [],
      },
      modes: {
        facade: {
          fits: obstacles.length === 0,
          reasons: obstacles.map(({ expected, seen }) => `${expected}: ${seen}`),
        },
        passthrough: { fits: reasons.length === 0 && obstacles.length === 0, reasons },
      },
      missing: missingMembers(document),
      configuration: snippet(settings),
    },
  };
}

/** Every MUST of the specification that the document breaks; and the scopes, as far as it tells. */
function passthroughFaults(document: Document, settings: ProviderSettings): string[] {
  const allowHttp = settings.issuer.startsWith('http:');
  const faults = metadataFaults(passthroughMetadata(document, {}), { allowHttp });
  const scopes = document['scopes_supported'];
  if (!Array.isArray(scopes) || scopes.includes(API_SCOPE)) return faults;
  return [...faults, `scopes_supported does not contain ${API_SCOPE}`];
}

const consequences: Readonly<Record<string, string>> = {
  userinfo_endpoint: 'the ID token must have the claims that people are known by',
  code_challenge_methods_supported: 'PKCE is sent all the same; where that is refused, write `pkce: never`',
  response_modes_supported: 'query and fragment are taken for granted (RFC 8414)',
  revocation_endpoint: 'passthrough is not possible',
  registration_endpoint: 'passthrough is not possible',
  end_session_endpoint: 'signing out here cannot sign out there',
  jwks_uri: 'there is no ID token to verify: only preset oauth2 fits',
};

function missingMembers(document: Document): { member: string; consequence: string }[] {
  return Object.entries(consequences)
    .filter(([member]) => document[member] === undefined || document[member] === null)
    .map(([member, consequence]) => ({ member, consequence }));
}

function snippet({ issuer, preset, discovery, allow_addresses: addresses }: ProviderSettings): string {
  return stringify({
    providers: [
      {
        id: 'main',
        ...(preset === undefined || preset === 'generic' ? {} : { preset }),
        issuer,
        client_id: 'gatehouse',
        client_secret_file: 'idp.secret',
        ...(discovery === undefined ? {} : { discovery }),
        ...(addresses === undefined || addresses.length === 0 ? {} : { allow_addresses: addresses }),
      },
    ],
  });
}
