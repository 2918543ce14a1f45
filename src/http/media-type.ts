/** Content types of requests. */

export interface MediaType {
  /** Lower case, without parameters. */
  readonly essence: string;
  /** Lower case; `undefined` if not given. */
  readonly charset: string | undefined;
}

/** Parses a `Content-Type`; `undefined` if the header is absent. A malformed one has an essence that matches nothing. */
export function parseMediaType(header: string | undefined): MediaType | undefined {
  if (header === undefined) return undefined;
  // What nearly every request has.
  if (!header.includes(';')) return { essence: header.trim().toLowerCase(), charset: undefined };
  const [essence = '', ...parameters] = header.split(';');
  let charset: string | undefined;
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (name.trim().toLowerCase() === 'charset')
      charset ??= value
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toLowerCase();
  }
  return { essence: essence.trim().toLowerCase(), charset };
}

/** Whether a charset is UTF-8, named or by default. */
export function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset === 'utf-8' || charset === 'utf8';
}

/** Whether `Accept` names HTML, so that a person is looking. */
export function namesHtml(accept: string | undefined): boolean {
  return accept !== undefined && /(?:^|,)\s*text\/html\s*(?:;|,|$)/i.test(accept);
}
