/** Judging an answer before its body is read as something: status and content type, challenge pages named. */
import type { OutboundResponse } from './outbound.ts';
import { OutboundFault, plainUrl } from './outbound-fault.ts';

/** Whether the content type is JSON: `application/json`, or any `application/…+json`. */
export function isJsonAnswer(response: OutboundResponse): boolean {
  return /^application\/([\w.-]+\+)?json$/.test(mediaType(response));
}

/** Lower-case media type without parameters; empty if there is none. */
export function mediaType(response: OutboundResponse): string {
  return (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Throws {@link OutboundFault} unless the answer is 200 with JSON. */
export function assertJsonOk(response: OutboundResponse, url: string): void {
  if (response.status === 200 && isJsonAnswer(response)) return;
  throw describeAnswer(response, url);
}

/** What is wrong with an answer that is not the JSON that was asked for. */
export function describeAnswer(response: OutboundResponse, url: string): OutboundFault {
  const parsed = URL.parse(url);
  const where = parsed === null ? 'the IdP' : plainUrl(parsed);
  const { status } = response;
  const options = { status, retryAfterSeconds: retryAfter(response) };
  if (isMarkup(response)) {
    return new OutboundFault(
      status === 200 ? 'content_type' : 'status',
      `${where} answered ${status} with an HTML page${challengeOf(response)} where JSON is due`,
      // Such pages come and go, those of a challenge or of maintenance for example.
      { ...options, isLasting: status === 200 ? false : undefined },
    );
  }
  if (status !== 200) return new OutboundFault('status', `${where} answered ${status}`, options);
  const type = mediaType(response) === '' ? '(none)' : mediaType(response).slice(0, 60);
  return new OutboundFault(
    'content_type',
    looksLikeJson(response.text)
      ? `${where} answered JSON with the content type ${type}, and it must be application/json`
      : `${where} answered the content type ${type} where JSON is due`,
    options,
  );
}

/** `Retry-After` in seconds, if it is a number. */
function retryAfter(response: OutboundResponse): number | undefined {
  const value = response.headers['retry-after'] ?? '';
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

/** Whether it is a page for browsers: by how it begins, whatever it calls itself; by its type if it is neither markup nor JSON. */
export function isMarkup(response: OutboundResponse): boolean {
  const { text } = response;
  if (
    /^[\s\ufeff]*(<\?xml[^>]*>\s*)?(<!--[^]{0,1000}?-->\s*)*<(!doctype html|html)\b/i.test(
      text.slice(0, 2000),
    )
  )
    return true;
  if (!/^(text\/html|application\/xhtml\+xml)$/.test(mediaType(response))) return false;
  return text.trim() !== '' && !looksLikeJson(text);
}

/** Whether it means to be a JSON object or array, well-formed or not. */
function looksLikeJson(text: string): boolean {
  return /^[\s\ufeff]*[{[]/.test(text.slice(0, 200));
}

/** Bot protection in front of the IdP answers our server with a page for browsers: say so, as it is hard to guess. */
function challengeOf(response: OutboundResponse): string {
  const { headers, text } = response;
  const head = text.slice(0, 20_000);
  if (
    headers['cf-mitigated'] !== undefined ||
    /cf-chl|challenge-platform|__cf_chl|Attention Required! \| Cloudflare/i.test(head)
  ) {
    return ' (a Cloudflare challenge: exempt this server from it)';
  }
  if (/cloudflare/i.test(headers['server'] ?? '') && response.status === 403) {
    return ' (refused by Cloudflare: exempt this server from its browser check)';
  }
  if (/captcha|are you a robot|anubis|access denied/i.test(head)) {
    return ' (it looks like a challenge for browsers: exempt this server from it)';
  }
  return '';
}
