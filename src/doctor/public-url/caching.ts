/** Whether what stands between clients and us caches as we say: the metadata with its validator, answers to people never. */
import { endpointUrl } from '../../protocol/issuer.ts';
import type { Finding } from '../finding.ts';
import { look, type Answered, type Look } from '../look.ts';
import { jsonObjectOf } from '../wrong-answer.ts';
import { publicFinding, wrongPublicFinding, type PublicContext } from './context.ts';

/** Fetches again a document that was fetched before. */
export async function examineValidators(context: PublicContext, first: Answered): Promise<Finding[]> {
  const { answer, probed, url } = first;
  const cacheControl = judgeCacheControl(context, first);
  const { etag } = answer.headers;
  const expected = 'an ETag, and 304 for it';
  const code = 'public_url.etag_lost';
  const remedy =
    'Let the reverse proxy pass ETag and If-None-Match on (and not compress again what is compressed).';
  if (etag === undefined) {
    return [...cacheControl, publicFinding({ code, probed, expected, seen: 'no ETag', remedy })];
  }
  const headers = { accept: 'application/json', 'if-none-match': etag };
  const again = await look(context, { url, headers });
  const status = 'fault' in again ? undefined : again.answer.status;
  if (status === 304) return cacheControl;
  const seen = status === undefined ? 'no answer' : `status ${status} for its own ETag`;
  return [
    ...cacheControl,
    publicFinding({ code, probed: `${probed} with If-None-Match`, expected, seen, remedy }),
  ];
}

/** Our `max-age` must arrive, and no copy may be older than it. In passthrough the provider's freshness counts, which varies. */
function judgeCacheControl(context: PublicContext, { answer, probed }: Answered): Finding[] {
  if (context.mode === 'passthrough') return [];
  const value = answer.headers['cache-control'] ?? '(none)';
  const age = Number(/^\s*(\d+)/.exec(answer.headers['age'] ?? '')?.[1] ?? 0);
  const maxAge = /(?:^|[,\s])max-age=(\d+)/i.exec(value)?.[1];
  const sound = Number(maxAge ?? Number.NaN) === context.maxAgeSeconds && /\bpublic\b/i.test(value);
  const facts = {
    code: 'public_url.cache_control',
    probed,
    expected: `Cache-Control: public, max-age=${context.maxAgeSeconds}, and no older copy`,
  } as const;
  if (!sound) {
    const remedy = 'Let the reverse proxy leave Cache-Control alone (expires, cache rules of a CDN).';
    return [publicFinding({ ...facts, seen: `Cache-Control: ${value.slice(0, 200)}`, remedy })];
  }
  if (age <= context.maxAgeSeconds) return [];
  const remedy = 'Let the cache in between keep to max-age: a change of the configuration would come late.';
  return [publicFinding({ ...facts, seen: `Age: ${age}`, remedy })];
}

/**
 * Two requests that only their `Authorization` tells apart, one after the other. Refusals differ (`M_UNKNOWN_TOKEN`, `M_MISSING_TOKEN`), so
 * a header that is lost on the way, or an answer that was kept for somebody else, shows.
 */
export async function examineAuthorizationHeader(context: PublicContext): Promise<Finding[]> {
  const url = endpointUrl(context.publicUrl, '_matrix/client/v3/account/whoami');
  const authorization = `Bearer gatehouse-doctor-${context.random(8).toString('hex')}`;
  const withToken = await look(context, { url, headers: { accept: 'application/json', authorization } });
  const without = await look(context, { url, headers: { accept: 'application/json' } });
  return judgeAuthorizationHeader(withToken, without);
}

/** Judges the answers to a wrong token and to none. */
function judgeAuthorizationHeader(withToken: Look, without: Look): Finding[] {
  const expected = 'our own answer in JSON, status 401';
  const [one, other] = [withToken, without].map((answer) => jsonObjectOf(answer, (status) => status === 401));
  if (one === undefined || other === undefined) return [];
  if ('wrong' in one) return [wrongPublicFinding(withToken, one.wrong, expected)];
  if ('wrong' in other) return [wrongPublicFinding(without, other.wrong, expected)];
  if (one.object['errcode'] === 'M_MISSING_TOKEN') {
    return [
      publicFinding({
        code: 'public_url.authorization_stripped',
        probed: `${withToken.probed} with a wrong token`,
        expected: 'M_UNKNOWN_TOKEN',
        seen: 'M_MISSING_TOKEN: the Authorization header does not arrive',
        remedy: 'Let the reverse proxy pass the Authorization header on.',
      }),
    ];
  }
  const facts = {
    code: 'public_url.cached',
    probed: `${without.probed}, with a wrong token and without`,
    remedy: 'Keep caches away from everything but the metadata, or let them obey Cache-Control: no-store.',
  } as const;
  if (other.object['errcode'] !== 'M_MISSING_TOKEN') {
    const seen = `${String(other.object['errcode']).slice(0, 60)}: an answer that was kept from another request`;
    return [publicFinding({ ...facts, expected: 'M_MISSING_TOKEN without a token', seen })];
  }
  const lost = [one, other].find(
    ({ answered }) => !/\bno-store\b/i.test(answered.answer.headers['cache-control'] ?? ''),
  );
  if (lost === undefined) return [];
  const value = lost.answered.answer.headers['cache-control'] ?? '(none)';
  const seen = `Cache-Control: ${value.slice(0, 200)}`;
  return [publicFinding({ ...facts, expected: 'Cache-Control: no-store', seen })];
}
