/** What is wrong with the configuration itself. */
import { isLoopbackHost } from '../protocol/addresses.ts';
import type { Inspection } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Fault } from '../config/fault.ts';
import { finding, type Finding, type FindingCode } from './finding.ts';

const SUBJECT = 'configuration';

/** Every fault and every warning that `config check` has, and what only shows beside the network. */
export function judgeConfiguration(file: string, { config, faults, warnings }: Inspection): Finding[] {
  return [
    ...faults.map((fault) => asFinding('config.fault', file, fault)),
    ...warnings.map((warning) => asFinding('config.warning', file, warning)),
    ...(config === undefined ? [] : judgeProxies(config)),
  ];
}

function asFinding(code: FindingCode, file: string, fault: Fault): Finding {
  const place = fault.line === undefined ? file : `${file}, line ${fault.line}`;
  return finding({
    code,
    subject: SUBJECT,
    probed: fault.path === file ? file : `${fault.path} (${place})`,
    expected: code === 'config.fault' ? 'a configuration that the service starts with' : 'no surprises',
    seen: fault.problem,
    remedy: fault.remedy,
  });
}

/** This service speaks no TLS, so an https URL says that there is a reverse proxy. */
function judgeProxies({ public_url: publicUrl, listen }: Config): Finding[] {
  const url = new URL(publicUrl);
  if (url.protocol !== 'https:' || isLoopbackHost(url)) return [];
  if (listen.socket !== undefined || listen.trusted_proxies.length > 0) return [];
  return [
    finding({
      code: 'config.trusted_proxies',
      subject: SUBJECT,
      probed: 'listen.trusted_proxies',
      expected: 'the address of the reverse proxy that speaks https for us',
      seen: 'an empty list: all clients seem to have the address of the proxy, and share its rate limits',
      remedy:
        'Write `trusted_proxies: [127.0.0.1, "::1"]` (or where the proxy is), and let it send X-Forwarded-For.',
    }),
  ];
}
