/** The URL that sends the browser to the IdP. */
import { createHash } from 'node:crypto';
import type { AuthorizationServer } from 'oauth4webapi';
import type { ResolvedSettings } from '../resolved-settings.ts';

export interface AuthorizationInput {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Space-separated, as in OpenID Connect Core §3.1.2.1; translated by the preset. */
  readonly prompt?: string | undefined;
  readonly maxAgeSeconds?: number | undefined;
  readonly loginHint?: string | undefined;
  readonly acrValues?: string | undefined;
}

/** What the configuration sends along cannot replace a parameter of the protocol. */
export function buildAuthorizationUrl(
  server: AuthorizationServer,
  settings: ResolvedSettings,
  input: AuthorizationInput,
): URL {
  const url = new URL(server.authorization_endpoint ?? '');
  const offline = offlineRequest(server, settings);
  const prompt = translatePrompt(withConsent(input.prompt, offline.consent), server, settings);
  const scopes = requestedScopes(server, settings);
  const parameters: Record<string, string | undefined> = {
    ...offline.parameters,
    ...settings.authorizationParameters,
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: input.redirectUri,
    scope: scopes.length > 0 ? scopes.join(' ') : undefined,
    state: input.state,
    response_mode: settings.responseMode === 'query' ? undefined : settings.responseMode,
    nonce: usesOpenId(settings) && settings.usesNonce ? input.nonce : undefined,
    max_age: input.maxAgeSeconds?.toString(),
    login_hint: input.loginHint,
    acr_values: input.acrValues,
    ...(prompt === undefined ? {} : { prompt }),
  };
  if (usesPkce(server, settings)) {
    parameters['code_challenge'] = createHash('sha256').update(input.codeVerifier).digest('base64url');
    parameters['code_challenge_method'] = 'S256';
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** The scopes of a login: those of the settings, and what a refresh token takes if one is wanted. */
export function requestedScopes(server: AuthorizationServer, settings: ResolvedSettings): string[] {
  return [...new Set([...settings.scopes, ...offlineRequest(server, settings).scopes])];
}

/** What asks for a refresh token: nothing if none is wanted. */
function offlineRequest(
  server: AuthorizationServer,
  settings: ResolvedSettings,
): { scopes: string[]; parameters: Readonly<Record<string, string>>; consent: boolean } {
  if (!settings.offlineAccess) return { scopes: [], parameters: {}, consent: false };
  const { offline } = settings.preset;
  const asks = offline?.scope ?? server.scopes_supported?.includes('offline_access') === true;
  return {
    scopes: asks ? ['offline_access'] : [],
    parameters: offline?.parameters ?? {},
    consent: asks && offline?.consent === true,
  };
}

function withConsent(prompt: string | undefined, consent: boolean): string | undefined {
  if (!consent || prompt === 'none') return prompt;
  return [...new Set([...(prompt ?? '').split(' '), 'consent'])].join(' ').trim();
}

/** Whether the provider speaks OpenID Connect, so that there is an ID token. */
export function usesOpenId(settings: ResolvedSettings): boolean {
  return settings.preset.openid !== false;
}

/**
 * `auto` sends S256 even if the metadata is silent (Entra ID and older GitLab can do it and do not say so), and where the list is
 * empty (Kanidm: not required); only a list of other methods alone stops it. `plain` is never sent (RFC 9700 §2.1.1).
 */
export function usesPkce(server: AuthorizationServer, settings: ResolvedSettings): boolean {
  if (settings.pkce !== 'auto') return settings.pkce === 'always';
  const listed = server.code_challenge_methods_supported;
  if (listed === undefined) return settings.preset.pkce_if_unlisted ?? true;
  return listed.length === 0 || listed.includes('S256');
}

/** `prompt` in the provider's words; `undefined` if nothing is left of it. */
export function translatePrompt(
  prompt: string | undefined,
  server: AuthorizationServer,
  settings: ResolvedSettings,
): string | undefined {
  if (prompt === undefined) return undefined;
  const { prompts = {}, single_prompt: single } = settings.preset;
  const listed = server['prompt_values_supported'] as readonly string[] | undefined;
  const values = prompt
    .split(' ')
    .filter((value) => value !== '')
    .map((value) => (Object.hasOwn(prompts, value) ? prompts[value] : value))
    // "create" is an extension: sent only if the metadata lists it or the preset translates it.
    .filter(
      (value) =>
        typeof value === 'string' &&
        (value !== 'create' || Object.hasOwn(prompts, 'create') || listed?.includes(value)),
    );
  const distinct = [...new Set(values)];
  const sent = single === true ? distinct.slice(0, 1) : distinct;
  return sent.length === 0 ? undefined : sent.join(' ');
}
