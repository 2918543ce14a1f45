import type { Kysely } from 'kysely';
import { type ApiRequest, noStore, type Reply } from '../http/exchange.ts';
import { newRecordId } from '../protocol/identifiers.ts';
import { endpointUrl } from '../protocol/issuer.ts';
import { hashSecret, issueSecret } from '../protocol/token-format.ts';
import type { Schema } from '../storage/schema.ts';
import { type SignInPurposeName, insertSignIn, type SignIn } from '../storage/records/sign-ins.ts';
import { bindBrowser } from './browser-binding.ts';
import type { SignInDeps } from './deps.ts';
import { chosenProvider } from './choose-provider.ts';
import { goToIdp } from './go-to-idp.ts';

/** How long a person may take from here to the end, in milliseconds. */
export const SIGN_IN_LIFETIME = 30 * 60_000;

export interface NewSignIn {
  readonly request: ApiRequest;
  readonly purpose: SignInPurposeName;
  /** For the IdP; see OpenID Connect Core section 3.1.2.1. */
  readonly prompt?: string | null;
  readonly maxAgeSeconds?: number | null;
  readonly loginHint?: string | null;
  readonly acrValues?: string | null;
  /** Id of the provider that the client would like; one that does not exist counts as none. */
  readonly providerHint?: string | null;
  /** Stores what the purpose needs to remember, in the same transaction. */
  readonly remember?: (tx: Kysely<Schema>, signInId: string) => Promise<void>;
}

/**
 * Begins a sign-in: keeps it, binds it to this browser by a cookie of its own, and sends the browser to the IdP. Throws `Unavailable` where the IdP
 * cannot be reached for its metadata.
 */
export async function beginSignIn(deps: SignInDeps, begun: NewSignIn): Promise<Reply> {
  const now = deps.clock.now();
  const browserSecret = issueSecret('browserSecret', deps.random);
  const signIn: SignIn = {
    id: newRecordId(now, deps.random),
    purpose: begun.purpose,
    browser_hash: hashSecret(browserSecret),
    prompt: begun.prompt ?? null,
    max_age: begun.maxAgeSeconds ?? null,
    login_hint: begun.loginHint ?? null,
    acr_values: begun.acrValues ?? null,
    provider_id: chosenProvider(deps, begun.providerHint)?.id ?? null,
    upstream_state_hash: null,
    upstream_sealed: null,
    user_id: null,
    authenticated_at: null,
    upstream_sid: null,
    created_at: now,
    expires_at: now + SIGN_IN_LIFETIME,
    finished_at: null,
    answer_sealed: null,
  };
  await deps.db.write(async (tx) => {
    await insertSignIn(tx, signIn);
    await begun.remember?.(tx, signIn.id);
  });
  const cookies = bindBrowser(deps.issuer, {
    request: begun.request,
    id: signIn.id,
    browserSecret,
    lifetime: SIGN_IN_LIFETIME,
  });
  const provider = chosenProvider(deps, signIn.provider_id);
  if (provider !== undefined) return goToIdp(deps, { request: begun.request, signIn, provider, cookies });
  const location = endpointUrl(deps.issuer, `sign-in/${signIn.id}`);
  return { status: 303, headers: { ...noStore, location, 'set-cookie': cookies } };
}
