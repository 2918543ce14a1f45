/** Our metadata as clients see it: the same on every path, with the right issuer, unchanged on the way. */
import { metadataFaults } from '../../metadata/check.ts';
import { endpointUrl } from '../../protocol/issuer.ts';
import { plainUrl } from '../../outbound/outbound-fault.ts';
import { quoteForLog } from '../../upstream/login/refusal.ts';
import { differenceOf } from '../../protocol/url-difference.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered } from '../look.ts';
import { jsonObjectOf } from '../wrong-answer.ts';
import {
  ORIGIN,
  publicFinding,
  slowPublicFinding,
  wrongPublicFinding,
  type PublicContext,
} from './context.ts';

type Document = Readonly<Record<string, unknown>>;

export interface PublishedVerdict {
  readonly findings: readonly Finding[];
  /** Every answer that had a document, in the order of the paths. */
  readonly documents: readonly { readonly answered: Answered; readonly document: Document }[];
}

/** Where clients and the homeserver look for the metadata. */
function metadataUrls(publicUrl: string): string[] {
  const wellKnown = ['.well-known/openid-configuration', '.well-known/oauth-authorization-server'];
  const matrix = [
    '_matrix/client/v1/auth_metadata',
    '_matrix/client/unstable/org.matrix.msc2965/auth_metadata',
  ];
  const urls = [...matrix, ...wellKnown].map((path) => endpointUrl(publicUrl, path));
  const path = new URL(publicUrl).pathname.replace(/\/+$/, '');
  if (path === '') return urls;
  // RFC 8414 section 3.1: before the path of the issuer.
  return [...urls, new URL(`/.well-known/oauth-authorization-server${path}`, publicUrl).href];
}

/** Asks all paths at once, as a page of another origin would. */
export async function examinePublished(context: PublicContext): Promise<PublishedVerdict> {
  const headers = { accept: 'application/json', origin: ORIGIN };
  const answers = await Promise.all(
    metadataUrls(context.publicUrl).map((url) => look(context, { url, headers })),
  );
  const findings: Finding[] = [];
  const documents: { answered: Answered; document: Document }[] = [];
  for (const answer of answers) {
    const read = jsonObjectOf(answer);
    if ('wrong' in read) {
      findings.push(wrongPublicFinding(answer, read.wrong, 'our metadata, status 200'));
      continue;
    }
    findings.push(...slowPublicFinding(answer), ...judgeDocument(context, answer.probed, read.object));
    documents.push({ answered: read.answered, document: read.object });
  }
  findings.push(...judgeEquality(documents));
  return { findings, documents };
}

/** With the OAuth API switched off, clients must be told so: 404 with `M_UNRECOGNIZED`. */
export async function examineRefusal(context: PublicContext): Promise<Finding[]> {
  const url = endpointUrl(context.publicUrl, '_matrix/client/v1/auth_metadata');
  const answer = await look(context, { url, headers: { accept: 'application/json', origin: ORIGIN } });
  const expected = 'status 404 with M_UNRECOGNIZED, as `oauth_api` is off';
  const read = jsonObjectOf(answer, (status) => status === 404);
  if ('wrong' in read) return [wrongPublicFinding(answer, read.wrong, expected)];
  if (read.object['errcode'] === 'M_UNRECOGNIZED') return slowPublicFinding(answer);
  const wrong = { kind: 'status', status: 404, seen: 'status 404 with another body' } as const;
  return [wrongPublicFinding(answer, wrong, expected)];
}

/** Judges one copy of the document: issuer, endpoints, and what the specification demands. */
function judgeDocument(context: PublicContext, probed: string, document: Document): Finding[] {
  const stated = document['issuer'];
  if (stated !== context.issuer) {
    const text = typeof stated === 'string' ? quoteForLog(stated, 300) : undefined;
    return [
      publicFinding({
        code: 'public_url.issuer_mismatch',
        probed,
        expected: `the issuer "${context.issuer}", byte for byte`,
        seen:
          text === undefined ? 'no issuer' : `the issuer "${text}": ${differenceOf(context.issuer, text)}`,
        remedy: issuerRemedy(context, text),
      }),
    ];
  }
  const foreign = context.mode === 'facade' ? foreignEndpoints(context.publicUrl, document) : [];
  if (foreign.length > 0) {
    return [
      publicFinding({
        code: 'public_url.metadata_rewritten',
        probed,
        expected: `every endpoint below ${context.publicUrl}`,
        seen: foreign.join(', '),
        remedy:
          'Let the reverse proxy pass bodies on as they are (sub_filter, mod_substitute, link rewriting of a CDN).',
      }),
    ];
  }
  const faults = metadataFaults(document, {
    allowHttp: context.allowHttp || context.publicUrl.startsWith('http:'),
  });
  if (faults.length === 0) return [];
  return [
    publicFinding({
      code: 'public_url.metadata_unfit',
      probed,
      expected: 'metadata that Matrix clients accept',
      seen: quoteForLog(faults.join('; '), 500),
      remedy:
        context.mode === 'facade'
          ? 'Let the reverse proxy pass bodies on as they are; our own document is complete.'
          : 'Complete it by `discovery.overrides` of the provider, or use `mode: facade`.',
    }),
  ];
}

function issuerRemedy({ mode, publicUrl, issuer }: PublicContext, stated: string | undefined): string {
  const theirs = stated === undefined ? null : URL.parse(stated);
  if (mode === 'passthrough') return 'Restart the service if its configuration has changed.';
  if (theirs !== null && theirs.protocol !== new URL(issuer).protocol) {
    return 'Let the reverse proxy pass bodies on as they are: the service never takes its issuer from a request, so something rewrites the scheme.';
  }
  return `Restart the service if \`public_url: ${publicUrl}\` is new; else another service answers here, or something rewrites its answers.`;
}

function foreignEndpoints(publicUrl: string, document: Document): string[] {
  const base = publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`;
  return Object.entries(document).flatMap(([name, value]) => {
    if (
      !/_endpoint$|^(jwks|account_management)_uri$/.test(name) ||
      typeof value !== 'string' ||
      value.startsWith(base)
    )
      return [];
    const url = URL.parse(value);
    return [`${name} is ${quoteForLog(url === null ? value : plainUrl(url), 200)}`];
  });
}

/** Every copy must be the first, member for member: clients and homeserver read different ones. */
function judgeEquality(documents: PublishedVerdict['documents']): Finding[] {
  const [first, ...others] = documents;
  if (first === undefined) return [];
  return others.flatMap(({ answered, document }) => {
    const names = [...new Set([...Object.keys(first.document), ...Object.keys(document)])];
    const differing = names.filter(
      (name) => JSON.stringify(first.document[name]) !== JSON.stringify(document[name]),
    );
    if (differing.length === 0) return [];
    return [
      publicFinding({
        code: 'public_url.metadata_differs',
        probed: answered.probed,
        expected: `the document of ${first.answered.url}`,
        seen: quoteForLog(`another ${differing.join(', ')}`, 300),
        remedy: 'Pass all metadata paths on to the same service, and clear the caches in between.',
      }),
    ];
  });
}
