/** A client from the command line, judged by the very rules of `clients` in the configuration. */
import type { ClientMetadata } from '../clients/client-metadata.ts';
import { readStaticClients } from '../clients/static-clients.ts';
import { checkClients } from '../config/client-rules.ts';
import { clientsSection } from '../config/sections/clients.ts';
import { CommandFault } from './operator.ts';

export interface ClientFlags {
  readonly name?: string;
  readonly uri?: string;
  readonly redirectUri?: readonly string[];
  readonly authMethod: string;
  readonly grant?: readonly string[];
}

/** Which option stands for which key. */
const options: Readonly<Record<string, string>> = {
  client_name: '--name',
  client_uri: '--uri',
  redirect_uris: '--redirect-uri',
  grant_types: '--grant',
  token_endpoint_auth_method: '--auth-method',
};

/** Id and secret are made when the client is added; the rules that ask for them are kept by this. */
const STAND_IN = 'made-when-it-is-added';

/** The metadata to be kept. Throws `CommandFault`, naming the option and the rule. */
export function metadataOfFlags(flags: ClientFlags): ClientMetadata {
  const entry = {
    client_id: STAND_IN,
    ...(flags.name === undefined ? {} : { client_name: flags.name }),
    ...(flags.uri === undefined ? {} : { client_uri: flags.uri }),
    ...(flags.redirectUri === undefined ? {} : { redirect_uris: [...flags.redirectUri] }),
    ...(flags.grant === undefined ? {} : { grant_types: [...flags.grant] }),
    token_endpoint_auth_method: flags.authMethod,
  };
  const parsed = clientsSection.safeParse([entry]);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fault(issue?.path[1], issue?.message ?? 'is not allowed');
  }
  const [client] = parsed.data;
  if (client === undefined) throw new Error('one client in, none out');
  const needsSecret = client.token_endpoint_auth_method !== 'none';
  checkClients(
    [{ ...client, ...(needsSecret ? { client_secret: STAND_IN } : {}) }],
    { scopes: new Set(), hasPasswordGrant: true },
    (path, problem) => {
      throw fault(path[2], problem);
    },
  );
  const made = readStaticClients([{ ...client, client_secret: undefined }]).get(STAND_IN);
  if (made === undefined) throw new Error('one client in, none out');
  return made.metadata;
}

function fault(key: unknown, problem: string): CommandFault {
  const option = options[String(key)] ?? String(key);
  return new CommandFault(`${option} ${problem.replaceAll('`', '')}`, 'See: gatehouse clients add --help');
}
