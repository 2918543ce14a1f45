/** Which certificate authorities count: those that Node brings along, those of the system, and those that the operator named. */
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** The TLS context of everything said through one way out; made when it is first needed, as reading the stores takes time. */
export function createTrust(ca: string | undefined): () => SecureContext {
  let made: SecureContext | undefined;
  return () => (made ??= createSecureContext({ ca: authorities(ca) }));
}

function authorities(ca: string | undefined): string[] {
  const known = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  return ca === undefined ? [...known] : [...known, ca];
}
