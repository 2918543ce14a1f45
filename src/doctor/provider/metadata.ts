/** The provider's metadata: can it be had, does it say what it must, and what it says about sign-in. */
import { isLoopbackHost } from '../../outbound/addresses.ts';
import { usesOpenId } from '../../upstream/login/authorization-url.ts';
import { discoveryUrl } from '../../upstream/documents/discovery-url.ts';
import { DocumentFault } from '../../upstream/documents/document-fault.ts';
import { completeMetadata, parseMetadata, type ProviderMetadata } from '../../upstream/documents/metadata.ts';
import { plainUrl } from '../../outbound/outbound-fault.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import type { ResolvedSettings } from '../../upstream/resolved-settings.ts';
import { differenceOf } from '../difference.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered, type Look } from '../look.ts';
import { jsonObjectOf } from '../wrong-answer.ts';
import { judgeAbilities } from './abilities.ts';
import { cachingFindings } from './caching.ts';
import { providerFinding, slowFinding, wrongAnswerFinding, type ProviderContext } from './context.ts';

export type Server = ProviderMetadata['server'];

/** What the metadata probe found, and what the other probes need of it. */
export interface MetadataVerdict {
  readonly findings: readonly Finding[];
  /** The document as it was sent; `undefined` where none could be read. */
  readonly document: Readonly<Record<string, unknown>> | undefined;
  /** Completed for our own use, without the endpoints that cannot be used. */
  readonly server: Server | undefined;
  readonly answered: Answered | undefined;
}

/** Fetches and judges the metadata; with endpoints by hand, judges those. */
export async function examineMetadata(
  context: ProviderContext,
  localpartClaims: readonly string[],
): Promise<MetadataVerdict> {
  const { settings } = context;
  const { method, url } = settings.discovery;
  if (method === 'none') {
    const judged = judgeMetadata(
      context,
      'discovery.overrides',
      { issuer: settings.issuer },
      localpartClaims,
    );
    return { ...judged, document: {}, answered: undefined };
  }
  const where = url ?? discoveryUrl(settings.issuer, method);
  const answer = await look(context, { url: where, headers: { accept: 'application/json' } });
  return judgeMetadataAnswer(context, answer, localpartClaims);
}

/** Judges an answer that should be the metadata. */
function judgeMetadataAnswer(
  context: ProviderContext,
  answer: Look,
  localpartClaims: readonly string[],
): MetadataVerdict {
  const read = jsonObjectOf(answer);
  if ('wrong' in read) {
    const findings = [wrongAnswerFinding(context, answer, read.wrong)];
    return { findings, document: undefined, server: undefined, answered: undefined };
  }
  const judged = judgeMetadata(context, answer.probed, read.object, localpartClaims);
  const { answered, object: document } = read;
  return {
    server: judged.server,
    findings: [
      ...slowFinding(context, answer),
      ...judged.findings,
      ...cachingFindings(context, answered, 'metadata'),
    ],
    document,
    answered,
  };
}

/** Judges the document itself. */
export function judgeMetadata(
  context: ProviderContext,
  probed: string,
  document: Readonly<Record<string, unknown>>,
  localpartClaims: readonly string[],
): { findings: Finding[]; server: Server | undefined } {
  const { settings } = context;
  const findings = [...judgeIssuer(context, probed, document['issuer'])];
  const members = completeMetadata(document, settings);
  for (const [name, value] of Object.entries(members)) {
    if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue;
    const fault = endpointFinding(context, probed, name, value);
    if (fault === undefined) continue;
    findings.push(fault);
    Reflect.deleteProperty(members, name);
  }
  for (const name of requiredEndpoints(settings)) {
    if (members[name] !== undefined || findings.some(({ seen }) => seen.startsWith(`${name} `))) continue;
    findings.push(
      providerFinding(context, {
        code: 'provider.endpoint_missing',
        probed,
        expected: `the member ${name}`,
        seen: 'it is not there',
        remedy: `Correct the metadata at the provider, or add \`${context.place}.discovery.overrides.${name}\`.`,
      }),
    );
  }
  const unfit = findings.length === 0 ? parseFault(document, settings) : undefined;
  if (unfit !== undefined) {
    const fault = {
      code: 'provider.metadata_unfit',
      probed,
      expected: 'members of the registered types (RFC 8414, section 2)',
      seen: unfit,
      remedy: 'Have the metadata corrected at the provider, or replace the member in `discovery.overrides`.',
    } as const;
    return { findings: [providerFinding(context, fault)], server: undefined };
  }
  const server = { ...members, issuer: settings.issuer } as unknown as Server;
  if (!hasSoundTypes(server)) return { findings, server: undefined };
  findings.push(...judgeAbilities(context, probed, server, localpartClaims));
  return { findings, server };
}

function judgeIssuer(context: ProviderContext, probed: string, stated: unknown): Finding[] {
  const { settings, place } = context;
  const expected = `the issuer "${settings.issuer}", byte for byte`;
  if (stated === settings.issuer) return [];
  const template = settings.preset.issuer_template;
  if (template !== undefined && stated === template.issuer) {
    if (settings.allowedTenants.length > 0) return [];
    const remedy = `Name the tenants that may sign in in \`${place}.allowed_tenants\`.`;
    const seen = `the issuer "${template.issuer}", which stands for every tenant`;
    return [providerFinding(context, { code: 'provider.issuer_mismatch', probed, expected, seen, remedy })];
  }
  if (typeof stated !== 'string') {
    const remedy = 'Have the metadata corrected at the provider: the member `issuer` is required.';
    const seen = stated === undefined ? 'no issuer' : 'an issuer that is not a string';
    return [providerFinding(context, { code: 'provider.issuer_mismatch', probed, expected, seen, remedy })];
  }
  const quoted = quoteForLog(stated, 300);
  return [
    providerFinding(context, {
      code: 'provider.issuer_mismatch',
      probed,
      expected,
      seen: `the issuer "${quoted}": ${differenceOf(settings.issuer, quoted)}`,
      remedy: issuerRemedy(settings.issuer, quoted, place),
    }),
  ];
}

function issuerRemedy(configured: string, stated: string, place: string): string {
  const [ours, theirs] = [URL.parse(configured), URL.parse(stated)];
  const write = `Write \`issuer: ${stated}\` in ${place}`;
  if (ours === null || theirs === null)
    return 'Correct the issuer in the configuration of the provider itself.';
  if (ours.protocol !== theirs.protocol) {
    return theirs.protocol === 'http:'
      ? 'Tell the provider that it is behind https (its public URL, or X-Forwarded-Proto from its reverse proxy).'
      : `${write}.`;
  }
  if (ours.host !== theirs.host) {
    return `Tell the provider its public name (its own URL, or Host from its reverse proxy); or, if that name is the right one: ${write}.`;
  }
  return `${write}; people are known by it, so settle it before the first sign-in.`;
}

function requiredEndpoints(settings: ResolvedSettings): string[] {
  const always = ['authorization_endpoint', 'token_endpoint'];
  return usesOpenId(settings) ? [...always, 'jwks_uri'] : [...always, 'userinfo_endpoint'];
}

function endpointFinding(
  context: ProviderContext,
  probed: string,
  name: string,
  value: unknown,
): Finding | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const remedy = `Have it corrected at the provider, or write the right URL in \`${context.place}.discovery.overrides.${name}\`.`;
  if (url === null) {
    const facts = { probed, expected: `${name} as an absolute URL`, seen: `${name} is none`, remedy };
    return providerFinding(context, { code: 'provider.endpoint_invalid', ...facts });
  }
  const where = quoteForLog(plainUrl(url), 300);
  const { allowHttp, discovery, issuer } = context.settings;
  // On this machine only where the operator named this machine.
  const written = Object.hasOwn(discovery.overrides, name) || isLoopbackHost(new URL(issuer));
  const plain = url.protocol === 'http:' && (allowHttp || (written && isLoopbackHost(url)));
  const secure = url.protocol === 'https:' || plain;
  if (!secure) {
    return providerFinding(context, {
      code: 'provider.endpoint_insecure',
      probed,
      expected: `${name} with https`,
      seen: `${name} is ${where}`,
      remedy:
        'Tell the provider that it is behind https (its public URL, or X-Forwarded-Proto from its reverse proxy).',
    });
  }
  if (url.username === '' && url.password === '' && !String(value).includes('#')) return undefined;
  const seen = `${name} (${where}) has a user name, a password or a fragment`;
  const expected = `${name} without user information and fragment`;
  return providerFinding(context, { code: 'provider.endpoint_invalid', probed, expected, seen, remedy });
}

/** What the service itself would say of it: nothing that it refuses may look sound here. */
function parseFault(
  document: Readonly<Record<string, unknown>>,
  settings: ResolvedSettings,
): string | undefined {
  try {
    parseMetadata(JSON.stringify(document), settings);
    return undefined;
  } catch (error) {
    if (error instanceof DocumentFault) return error.message;
    throw error;
  }
}

function hasSoundTypes(server: Server): boolean {
  return Object.entries(server).every(
    ([name, value]) =>
      !name.endsWith('_supported') ||
      typeof value === 'boolean' ||
      (Array.isArray(value) && value.every((each) => typeof each === 'string')),
  );
}
