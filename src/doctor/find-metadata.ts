/** Where the metadata of a provider is that is known by a URL only. */
import { createAddressPolicy, isLoopbackHost } from '../protocol/addresses.ts';
import { discoveryUrl } from '../upstream/documents/discovery-url.ts';
import { createOutbound } from '../outbound/outbound.ts';
import type { ProviderSettings } from '../upstream/settings.ts';
import { look, type Look } from './look.ts';
import { recognisePreset } from './preset-shapes.ts';
import { REQUEST_LIMIT_MS, type DoctorDeps } from './probe.ts';
import { jsonObjectOf } from './wrong-answer.ts';

/** The settings under which the metadata is found, its own issuer among them. */
export async function findMetadata(
  deps: DoctorDeps,
  source: string,
): Promise<Omit<ProviderSettings, 'id' | 'client_id'>> {
  const url = new URL(source);
  const candidates = candidatesOf(source);
  const [first] = candidates;
  if (first === undefined) return { issuer: source };
  let addresses: string[] = [];
  for (const candidate of candidates) {
    let answer = await ask(deps, url, candidate.url, addresses);
    const refused = 'fault' in answer ? /is at ([0-9a-f.:, ]+),/.exec(answer.fault.message)?.[1] : undefined;
    if (refused !== undefined && addresses.length === 0) {
      // Whoever runs the doctor named this host: it is asked, and the configuration will have to allow it.
      addresses = refused.split(', ');
      answer = await ask(deps, url, candidate.url, addresses);
    }
    const read = jsonObjectOf(answer);
    if ('wrong' in read) continue;
    const { issuer: stated } = read.object;
    // One issuer and the same with a slash have the same discovery URL: the provider knows which it is.
    const same = typeof stated === 'string' && sameDiscovery(stated, candidate);
    return {
      issuer: same ? stated : candidate.issuer,
      preset: recognisePreset(read.object)?.name,
      ...(candidate.method === 'oidc' ? {} : { discovery: { method: candidate.method } }),
      ...(addresses.length === 0 ? {} : { allow_addresses: addresses }),
    };
  }
  return { issuer: first.issuer, allow_addresses: addresses };
}

interface Candidate {
  readonly method: 'oidc' | 'oauth2';
  readonly issuer: string;
  readonly url: string;
}

function candidatesOf(source: string): Candidate[] {
  const oidc = /^(.*?)\/\.well-known\/openid-configuration$/.exec(source);
  if (oidc?.[1] !== undefined) return [{ method: 'oidc', issuer: oidc[1], url: source }];
  const oauth2 = /^(https?:\/\/[^/]+)\/\.well-known\/oauth-authorization-server(.*)$/.exec(source);
  if (oauth2?.[1] !== undefined) {
    return [{ method: 'oauth2', issuer: oauth2[1] + (oauth2[2] ?? ''), url: source }];
  }
  return (['oidc', 'oauth2'] as const).map((method) => ({
    method,
    issuer: source,
    url: discoveryUrl(source, method),
  }));
}

function sameDiscovery(stated: string, { method, url }: Candidate): boolean {
  return URL.canParse(stated) && discoveryUrl(stated, method) === url;
}

async function ask(deps: DoctorDeps, source: URL, url: string, allowed: string[]): Promise<Look> {
  const outbound = createOutbound({
    clock: deps.clock,
    addresses: createAddressPolicy({ loopback: isLoopbackHost(source), allowed }),
    timeoutMs: deps.timeoutMs ?? REQUEST_LIMIT_MS,
    lookup: deps.lookup,
  });
  try {
    return await look({ clock: deps.clock, outbound }, { url, headers: { accept: 'application/json' } });
  } finally {
    await outbound.close();
  }
}
