/** A client from the command line, judged by the very rules of `clients` in the configuration. */
import { readFileSync } from 'node:fs';
import type { NewClient } from '../clients/add-client.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { checkClients } from '../config/client-rules.ts';
import type { Config } from '../config/schema.ts';
import { clientsSection } from '../config/sections/clients.ts';
import { CommandFault } from './operator.ts';

export interface ClientFlags {
  readonly id?: string;
  readonly secretFile?: string;
  readonly name?: string;
  readonly uri?: string;
  readonly redirectUri?: readonly string[];
  readonly authMethod: string;
  readonly grant?: readonly string[];
  readonly jwksFile?: string;
  readonly scope?: readonly string[];
  readonly trusted?: true;
  readonly introspectAll?: true;
  readonly accessTokenTtl?: string;
  readonly sessionTtl?: string;
  readonly accessTokenFormat?: string;
  readonly accessTokenSigningAlg?: string;
  readonly accessTokenTyp?: string;
  readonly tokenAnswerClaims?: true;
}

/** Which option stands for which key. */
const options: Readonly<Record<string, string>> = {
  client_id: '--id',
  client_secret: '--secret-file',
  client_name: '--name',
  client_uri: '--uri',
  redirect_uris: '--redirect-uri',
  grant_types: '--grant',
  token_endpoint_auth_method: '--auth-method',
  jwks: '--jwks-file',
  scopes: '--scope',
  trusted: '--trusted',
  introspect_all: '--introspect-all',
  access_token_ttl_seconds: '--access-token-ttl',
  session_ttl_seconds: '--session-ttl',
  access_token_format: '--access-token-format',
  access_token_signing_alg: '--access-token-signing-alg',
  access_token_typ: '--access-token-typ',
  token_answer_claims: '--token-answer-claims',
};

/** Id and secret are made when the client is added, if they are not given; the rules that ask for them are kept by this. */
const STAND_IN = 'made-when-it-is-added';

/** The client to be kept, with the id and the secret that were given. Throws `CommandFault`, naming the option and the rule. */
export function clientOfFlags(
  config: Pick<Config, 'scopes' | 'password_grant'>,
  flags: ClientFlags,
): NewClient {
  const secret =
    flags.secretFile === undefined ? undefined : readFileSync(flags.secretFile, 'utf8').trimEnd();
  const parsed = clientsSection.safeParse([entryOf(flags)]);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fault(issue?.path[1], issue?.message ?? 'is not allowed');
  }
  const [client] = parsed.data;
  if (client === undefined) throw new Error('one client in, none out');
  const { token_endpoint_auth_method: method } = client;
  const needsSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  const given = secret === undefined && needsSecret ? STAND_IN : secret;
  const rest = {
    scopes: new Set(config.scopes.map(({ scope }) => scope)),
    hasPasswordGrant: config.password_grant !== false,
  };
  checkClients(
    [{ ...client, ...(given === undefined ? {} : { client_secret: given }) }],
    rest,
    (path, problem) => {
      throw fault(path[2], problem);
    },
  );
  const made = readStaticClients([{ ...client, client_secret: undefined }]).get(client.client_id);
  if (made?.operator === undefined) throw new Error('one client in, none out');
  const { metadata, operator } = made;
  return {
    metadata,
    operator,
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(secret === undefined ? {} : { secret }),
  };
}

/** The client as an entry of `clients`. */
function entryOf(flags: ClientFlags): Record<string, unknown> {
  const entry = {
    client_id: flags.id ?? STAND_IN,
    client_name: flags.name,
    client_uri: flags.uri,
    redirect_uris: flags.redirectUri,
    grant_types: flags.grant,
    token_endpoint_auth_method: flags.authMethod,
    jwks: flags.jwksFile === undefined ? undefined : readFileSync(flags.jwksFile, 'utf8'),
    scopes: flags.scope,
    trusted: flags.trusted,
    introspect_all: flags.introspectAll,
    access_token_ttl_seconds: flags.accessTokenTtl === undefined ? undefined : Number(flags.accessTokenTtl),
    session_ttl_seconds: flags.sessionTtl === undefined ? undefined : Number(flags.sessionTtl),
    access_token_format: flags.accessTokenFormat,
    access_token_signing_alg: flags.accessTokenSigningAlg,
    access_token_typ: flags.accessTokenTyp,
    token_answer_claims: flags.tokenAnswerClaims,
  };
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}

function fault(key: unknown, problem: string): CommandFault {
  const option = options[String(key)] ?? String(key);
  return new CommandFault(`${option} ${problem.replaceAll('`', '')}`, 'See: gatehouse clients add --help');
}
