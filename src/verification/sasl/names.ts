import { renderClaimTemplate } from '../../protocol/claim-template.ts';
import { isLocalpart } from '../../protocol/identifiers.ts';

/** How the people of a server are called elsewhere: a template of `{localpart}` and `{server_name}`. */
export interface Naming {
  readonly serverName: string;
  readonly template: string;
}

/** What a person is called there. */
export function nameOf({ serverName, template }: Naming, localpart: string): string | undefined {
  return renderClaimTemplate(template, { localpart, server_name: serverName });
}

/** Every name that stands for a person: the one there, the localpart, with the server name, and the Matrix user ID. In lower case. */
export function namesOf(naming: Naming, localpart: string): readonly string[] {
  const { serverName } = naming;
  const names = [
    nameOf(naming, localpart),
    localpart,
    `${localpart}@${serverName}`,
    `@${localpart}:${serverName}`,
  ];
  return names.flatMap((name) => (name === undefined ? [] : [name.toLowerCase()]));
}

/** The localpart that a name stands for; undefined if it stands for none: `alice`, `alice@example.com` and `@alice:example.com` are one person. */
export function localpartOfName(naming: Naming, name: string): string | undefined {
  const lower = name.toLowerCase();
  const tokens = lower.match(/[a-z0-9._=/+-]+/g) ?? [];
  return tokens.find((localpart) => isLocalpart(localpart) && namesOf(naming, localpart).includes(lower));
}
