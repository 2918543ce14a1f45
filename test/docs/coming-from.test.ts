/** The pages for operators of other servers: they name every option of theirs, and nothing of ours that does not exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { root } from '../../scripts/run.ts';

/** Options, commands and features, by the documentation of the program. */
const theirs = {
  prosody: `oauth_external_issuer oauth_external_discovery_url oauth_external_validation_endpoint oauth_external_username_field
    oauth_external_resource_owner_password oauth_external_token_endpoint oauth_external_client_id oauth_external_client_secret oauth_external_scope
    oauth_external_username_mapping oauth_external_sasl_username_mapping oauth_external_http_settings PLAIN OAUTHBEARER
    allowed_oauth2_grant_types oauth2_access_token_ttl oauth2_refresh_token_ttl oauth2_registration_key oauth2_require_auth_revoke`,
  ejabberd: `oauth_expire ttl oauth_access oauth_client_id_check oauth_add_client_password oauth_add_client_implicit oauth_remove_client
    oauth_db_type ext_api_url ext_api_path_oauth ext_api_headers oauth_use_cache oauth_cache_size oauth_cache_life_time oauth_cache_missed
    oauth_cache_rest_failure_life_time oauth_list_tokens oauth_revoke_token oauth_issue_token jwt_key jwt_jid_field jwt_auth_only_rule
    check_decoded_jwt lookup store lookup_client store_client sasl_auth ejabberd:user ejabberd:admin`,
  dovecot: `introspection_mode introspection_url tokeninfo_url force_introspection username_attribute username_validation_format username_format
    active_attribute active_value scope client_id client_secret issuers token_expire_grace openid_configuration_url send_auth_headers
    use_worker_with_mech grant_url fields pass_attrs local_validation local_validation_key_dict OAUTHBEARER XOAUTH2`,
  kong: `scopes mandatory_scope provision_key token_expiration refresh_token_ttl reuse_refresh_token enable_authorization_code
    enable_implicit_grant enable_client_credentials enable_password_grant pkce hide_credentials accept_http_if_already_terminated anonymous
    global_credentials auth_header_name realm hash_secret client_type redirect_uris X-Consumer-ID X-Consumer-Custom-ID X-Consumer-Username
    X-Credential-Identifier X-Authenticated-Scope X-Authenticated-UserId X-Anonymous-Consumer /oauth2_tokens`,
} as const;

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const rowsOf = (page: string): { theirs: string; ours: string }[] =>
  [...page.matchAll(/^\| (.+?) \| (.+) \|$/gm)]
    .map(([, first = '', second = '']) => ({ theirs: first, ours: second }))
    .filter(({ theirs: first }) => !/^(-+|option|feature|setting|ejabberd) *$/.test(first));
const wordsIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

const keys = [...read('docs/configuration.md').matchAll(/^### `([^`]+)`/gm)].map(([, key = '']) =>
  key.replaceAll('[0]', '[]'),
);
const commands = read('docs/cli.md');
const routes = ['authorization-server', 'verification', 'matrix-client'].flatMap((name) => {
  const { paths } = JSON.parse(read(`openapi/resolved/${name}.json`)) as { paths: Record<string, unknown> };
  return Object.keys(paths);
});

it('there is a page for each, and no other', () => {
  expect(readdirSync(join(root, 'docs/coming-from')).sort()).toEqual(
    Object.keys(theirs)
      .map((name) => `${name}.md`)
      .sort(),
  );
});

test.each(Object.entries(theirs))('%s: every option has a row that says what to do', (name, options) => {
  const rows = rowsOf(read(`docs/coming-from/${name}.md`));
  const named = rows.flatMap((row) => wordsIn(row.theirs)).flatMap((word) => word.split(/:? /));
  expect(options.split(/\s+/).filter((option) => !named.includes(option))).toEqual([]);
  for (const { theirs: option, ours } of rows) expect(ours.trim().length, option).toBeGreaterThan(3);
});

test.each(Object.keys(theirs))('%s: what it names of ours exists', (name) => {
  const words = rowsOf(read(`docs/coming-from/${name}.md`)).flatMap(({ ours }) => wordsIn(ours));
  const configured = words.filter((word) => /^[a-z_]+(\[\])?(\.[a-z_]+(\[\])?)+/.test(word));
  expect(configured.length).toBeGreaterThan(3);
  for (const word of configured) {
    const [key = ''] = word.split(':');
    expect(
      keys.some(
        (one) =>
          one === key || one.startsWith(`${key}.`) || one.startsWith(`${key}[`) || one === key.split('.')[0],
      ),
      key,
    ).toBe(true);
  }
  for (const word of words.filter((one) => one.startsWith('gatehouse '))) {
    const command = word.split(' ').slice(0, 3).join(' ');
    expect(commands, command).toContain(command);
  }
  for (const word of words.filter((one) => one.startsWith('/'))) {
    const [path = ''] = word.split('?');
    expect(routes, path).toContain(path);
  }
});
