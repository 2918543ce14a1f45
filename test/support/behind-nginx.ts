/** Gatehouse behind the nginx that docs/reverse-proxy/nginx.md describes: https, on the names of the documentation. */
import { readFileSync } from 'node:fs';
import { type Gatehouse, startGatehouse } from '../peers/gatehouse.ts';
import { freePort } from './free-port.ts';
import { type Nginx, startNginx } from './nginx.ts';

const page = readFileSync(new URL('../../docs/reverse-proxy/nginx.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```nginx\n(.*?)^```$/gms)].map(([, text = '']) => text);

/** The configuration; what takes the place of one of its maps where the homeserver keeps devices; the entries that a single name needs. */
export const [whole = '', devicesElsewhere = '', oneNameEntries = ''] = blocks;
/** The configuration for a single name. */
export const withOneName = whole.replace(
  /(map \$request_uri \$matrix_backend \{.*?\n)(\}\n)/s,
  (_all, entries: string, end: string) => entries + oneNameEntries + end,
);
/** Where Matrix clients go. */
export const matrix = 'matrix.example.com';
/** Where browsers go to sign in. */
export const auth = 'auth.example.com';

export interface BehindNginx extends AsyncDisposable {
  readonly gatehouse: Gatehouse;
  readonly nginx: Nginx;
  /** Where Matrix clients go, with a slash. */
  readonly base: string;
  readonly issuer: string;
}

/** Starts both, and an IdP with the password grant. Nothing answers in the homeserver's place. */
export async function startBehindNginx({
  oneName = false,
}: { oneName?: boolean } = {}): Promise<BehindNginx> {
  const port = await freePort();
  const base = `https://${matrix}:${String(port)}/`;
  const issuer = `https://${oneName ? matrix : auth}:${String(port)}/`;
  const gatehouse = await startGatehouse({
    idp: { passwordGrant: true },
    yaml: 'legacy_login: { password: true }',
    env: {
      GATEHOUSE__PUBLIC_URL: issuer,
      GATEHOUSE__HOMESERVER__PUBLIC_URL: base,
      GATEHOUSE__LISTEN__TRUSTED_PROXIES: '[127.0.0.1]',
    },
  });
  gatehouse.idp.setRedirectUris(`${issuer}upstream/main/callback`);
  const nginx = await startNginx({
    configuration: oneName ? withOneName : whole,
    gatehouse: Number(new URL(gatehouse.url).port),
    homeserver: await freePort(),
    port,
  });
  return {
    gatehouse,
    nginx,
    base,
    issuer,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await gatehouse[Symbol.asyncDispose]();
    },
  };
}
