/** `gatehouse config check`: everything that is wrong with a configuration, at once. */
import { resolve } from 'node:path';
import { CONFIG_FAULTY, formatFault, formatFaults } from '../config/fault.ts';
import { inspectFile, type Environment } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { endpointUrl } from '../protocol/issuer.ts';

/** Prints what was found to standard output and returns the exit code: 0 if the service would start with it, 2 if not. */
export function checkConfig(file: string, env: Environment, options: { json: boolean }): 0 | 2 {
  const { config, faults, warnings } = inspectFile(file, env);
  if (options.json) {
    const ok = config !== undefined;
    const result = {
      ok,
      file: resolve(file),
      faults,
      warnings,
      ...(ok ? { summary: summarise(config) } : {}),
    };
    console.log(JSON.stringify(result, undefined, 2));
    return ok ? 0 : CONFIG_FAULTY;
  }
  if (config === undefined) console.log(formatFaults(faults, file));
  else {
    console.log(`${file} is in order.`);
    for (const [name, value] of Object.entries(summarise(config))) {
      for (const [index, text] of [value].flat().entries()) {
        console.log(`  ${(index === 0 ? name.replaceAll('_', ' ') : '').padEnd(20)}${text}`);
      }
    }
  }
  if (warnings.length > 0)
    console.log(['warnings:', ...warnings.map((warning) => formatFault(warning))].join('\n'));
  return config === undefined ? CONFIG_FAULTY : 0;
}

/** What an operator wants to see at a glance. No secrets. */
function summarise(config: Config): Record<string, string | string[]> {
  const { listen, operations, database, homeserver } = config;
  return {
    issuer: config.public_url,
    user_ids: `@localpart:${config.server_name}`,
    listens_on: listen.socket ?? hostAndPort(listen.host, listen.port),
    operations: hostAndPort(operations.host, operations.port),
    database: database.url.startsWith('sqlite:') ? database.url : 'PostgreSQL',
    encryption_key:
      config.encryption_key === undefined
        ? `${config.encryption_key_file ?? ''} (created at the first start)`
        : (config.encryption_key_file ?? 'given'),
    homeserver: homeserver.kind,
    providers: config.providers.map(
      ({ id, issuer }) =>
        `${id}: ${issuer}, redirect URI ${endpointUrl(config.public_url, `upstream/${id}/callback`)}`,
    ),
    backchannel_logout: config.providers.map(
      ({ id }) => `${id}: ${endpointUrl(config.public_url, `upstream/${id}/backchannel-logout`)}`,
    ),
  };
}

function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port === 0 ? '(any free port)' : port}`;
}
