/** The provider's metadata: can it be fetched, does it say what it must, and what it says about sign-in. */
import { discoveryUrl } from '../../upstream/documents/discovery-url.ts';
import {
  judgeMetadata as judge,
  type MetadataFault,
  type ProviderMetadata,
} from '../../upstream/documents/metadata.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import { differenceOf } from '../../protocol/url-difference.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered, type Look } from '../look.ts';
import { jsonObjectOf } from '../wrong-answer.ts';
import { judgeAbilities, plainOAuth } from './abilities.ts';
import { cachingFindings } from './caching.ts';
import {
  providerFinding,
  slowFinding,
  withoutUserinfo,
  wrongAnswerFinding,
  type LocalpartClaims,
  type ProviderContext,
} from './context.ts';

export type Server = ProviderMetadata['server'];

/** What the metadata probe found, and what the other probes need of it. */
export interface MetadataVerdict {
  readonly findings: readonly Finding[];
  /** The document as it was sent; `undefined` if none could be read. */
  readonly document: Readonly<Record<string, unknown>> | undefined;
  /** Completed for our own use, without the endpoints that cannot be used. */
  readonly server: Server | undefined;
  readonly answered: Answered | undefined;
}

/** Fetches and judges the metadata; with endpoints by hand, judges those. */
export async function examineMetadata(
  context: ProviderContext,
  localpartClaims: LocalpartClaims,
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
  localpartClaims: LocalpartClaims,
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

/** Judges the document itself: by the rules of the service, in words of the doctor. */
export function judgeMetadata(
  context: ProviderContext,
  probed: string,
  document: Readonly<Record<string, unknown>>,
  localpartClaims: LocalpartClaims,
): { findings: Finding[]; server: Server | undefined } {
  const { settings } = context;
  const { faults, server: judged } = judge(document, settings);
  const findings = faults.map((fault) =>
    fault.kind === 'issuer'
      ? issuerFinding(context, probed, document['issuer'])
      : memberFinding(context, probed, fault),
  );
  if (faults.some(({ stops, kind }) => stops && kind === 'type')) return { findings, server: undefined };
  const server = { ...judged, issuer: settings.issuer };
  findings.push(...judgeAbilities(context, probed, server, localpartClaims));
  return { findings, server };
}

function issuerFinding(context: ProviderContext, probed: string, stated: unknown): Finding {
  const { settings, place } = context;
  const expected = `the issuer "${settings.issuer}", byte for byte`;
  const code = 'provider.issuer_mismatch';
  if (stated === settings.preset.issuer_template?.issuer && typeof stated === 'string') {
    const remedy = `Name the tenants that may sign in in \`${place}.allowed_tenants\`.`;
    const seen = `the issuer "${stated}", which stands for every tenant`;
    return providerFinding(context, { code, probed, expected, seen, remedy });
  }
  if (typeof stated !== 'string') {
    const remedy = 'Have the metadata corrected at the provider: the member `issuer` is required.';
    const seen = stated === undefined || stated === null ? 'no issuer' : 'an issuer that is not a string';
    return providerFinding(context, { code, probed, expected, seen, remedy });
  }
  const quoted = quoteForLog(stated, 300);
  const seen = `the issuer "${quoted}": ${differenceOf(settings.issuer, quoted)}`;
  const remedy = issuerRemedy(settings.issuer, quoted, place);
  return providerFinding(context, { code, probed, expected, seen, remedy });
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

const EXPECTED: Readonly<Record<MetadataFault['kind'], string>> = {
  issuer: 'the issuer that is configured',
  missing: 'the member',
  not_a_url: 'an absolute URL',
  insecure: 'a URL with https',
  unclean_url: 'a URL without user information and fragment',
  type: 'a member of its registered type (RFC 8414, section 2)',
};

const CODES = {
  missing: 'provider.endpoint_missing',
  not_a_url: 'provider.endpoint_invalid',
  insecure: 'provider.endpoint_insecure',
  unclean_url: 'provider.endpoint_invalid',
  type: 'provider.metadata_unfit',
  issuer: 'provider.issuer_mismatch',
} as const;

function memberFinding(context: ProviderContext, probed: string, fault: MetadataFault): Finding {
  const { member, kind, message, stops } = fault;
  const override = `\`${context.place}.discovery.overrides.${member}\``;
  const instead = insteadOf(context, member);
  const remedies: Readonly<Record<MetadataFault['kind'], string>> = {
    issuer: '',
    missing: `Correct the metadata at the provider, or add ${override}.${instead}`,
    not_a_url: `Have it corrected at the provider, or write the right URL in ${override}.${instead}`,
    insecure: `Tell the provider that it is behind https (its public URL, or X-Forwarded-Proto from its reverse proxy), or write the right URL in ${override}.${instead}`,
    unclean_url: `Have it corrected at the provider, or write the right URL in ${override}.${instead}`,
    type: `Have the metadata corrected at the provider, or replace the member in ${override}.`,
  };
  const facts = { probed, expected: `${member}: ${EXPECTED[kind]}`, seen: message };
  if (stops) return providerFinding(context, { code: CODES[kind], ...facts, remedy: remedies[kind] });
  const remedy = `Sign-in goes on without it. ${remedies[kind]} \`null\` there says that it is not to be used.`;
  return providerFinding(context, { code: 'provider.member_ignored', ...facts, remedy });
}

/** What else helps, if sign-in can do without the member: a sentence of its own, or nothing. */
function insteadOf(context: ProviderContext, member: string): string {
  if (member === 'jwks_uri')
    return ` If the provider gives no ID tokens (plain OAuth 2.0), ${plainOAuth(context)}.`;
  if (member === 'userinfo_endpoint') return withoutUserinfo(context);
  return '';
}
