/** What the findings mean for the people: with several providers, one that is broken keeps out its own people only. */
import type { Finding, FindingCode } from './finding.ts';

export interface ProviderOutcome {
  readonly id: string;
  /** As people read it. */
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Errors with which people can sign in in their browsers all the same. */
const HARMLESS: ReadonlySet<FindingCode> = new Set([
  'provider.private_key_published',
  'provider.password_grant',
]);

/** Whether somebody can sign in with this provider, as far as can be seen from here. */
export function canSignIn({ findings }: Pick<ProviderOutcome, 'findings'>): boolean {
  return findings.every(({ severity, code }) => severity !== 'error' || HARMLESS.has(code));
}

/** One sentence; `null` if everybody can. */
export function whoCannotSignIn(providers: readonly ProviderOutcome[]): string | null {
  const broken = providers.filter((provider) => !canSignIn(provider));
  if (broken.length === 0) return null;
  const sound = providers.filter(canSignIn);
  if (sound.length === 0) return 'Nobody can sign in.';
  return `People of ${named(broken)} cannot sign in; people of ${named(sound)} can.`;
}

function named(providers: readonly ProviderOutcome[]): string {
  const names = providers.map(({ id, name }) => (name === id ? id : `${id} ("${name}")`));
  return names.length < 3
    ? names.join(' and ')
    : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
