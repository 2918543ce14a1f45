/** What must never reach a log line, and how errors are described there. */
import { secretPrefixes } from '../protocol/token-format.ts';

const REDACTED = '[redacted]';

const OWN_SECRET = new RegExp(`(?:${Object.values(secretPrefixes).join('|')})[A-Za-z0-9_-]{20,}`, 'g');
const JWT = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)*/g;
const CREDENTIALS = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi;
const PARAMETER =
  /\b(access_token|refresh_token|id_token|loginToken|login_token|token|code|code_verifier|client_secret|client_assertion|password|state|nonce|csrf|subject_token|device_code|user_code)(=|"\s*:\s*"|\\"\s*:\s*\\")[^&\s"'<>\\]+/gi;
const USERINFO = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s@]+@/gi;

/** Replaces whatever looks like a secret: our own tokens, JWTs, credentials of a header or a URL, secret parameters. Cheap if nothing does. */
export function scrubSecrets(text: string): string {
  return text
    .replace(OWN_SECRET, REDACTED)
    .replace(JWT, REDACTED)
    .replace(CREDENTIALS, `$1 ${REDACTED}`)
    .replace(PARAMETER, `$1$2${REDACTED}`)
    .replace(USERINFO, `$1${REDACTED}@`);
}

/** How many causes of an error are told. */
const CAUSE_DEPTH = 5;
const TEXT_LIMIT = 2000;

/**
 * An error as it is logged: type, message, code, stack and causes, scrubbed. Own members of errors (requests, headers, bodies, SQL
 * parameters) are left out, because libraries put secrets there.
 */
export function describeError(error: unknown): unknown {
  return describe(error, CAUSE_DEPTH);
}

function describe(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? tell(error) : { type: typeof error };
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return {
    type: error.name,
    message: tell(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: tell(error.stack) }),
    ...(cause === undefined || depth === 0 ? {} : { cause: describe(cause, depth - 1) }),
  };
}

function tell(text: string): string {
  return scrubSecrets(text.slice(0, TEXT_LIMIT)).replace(/[\w-]{32,}/g, hideRandom);
}

/** In errors even what only looks random goes: whoever wrote the message did not know that it would be logged. */
function hideRandom(word: string): string {
  return /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word) ? REDACTED : word;
}
