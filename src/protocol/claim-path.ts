/** How a claim is named in the configuration: by its name, or by a path into objects. */

/** The members of a token, of userinfo, or of an introspection answer. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * Whether a claim that is not there was pointed to instead of sent: OpenID Connect Core section 5.6.2 (`_claim_names`), or Entra ID's `hasgroups`
 * and `groups:src1` for people in many groups. Its value is unknown then, not absent.
 */
export function isPointedTo(claims: Claims, path: string): boolean {
  if (claimAt(claims, path) !== undefined) return false;
  const names = claims['_claim_names'];
  const elsewhere = typeof names === 'object' && names !== null ? Object.keys(names) : [];
  if (claims['hasgroups'] === true || claims['hasgroups'] === 'true') elsewhere.push('groups');
  for (const name of Object.keys(claims)) {
    const source = /^(.+):src\d+$/.exec(name);
    if (source?.[1] !== undefined) elsewhere.push(source[1]);
  }
  return elsewhere.some((name) => path === name || path.startsWith(`${name}.`));
}

/**
 * The claim of this name, else the longest claim that the name begins with, and so on within it: `realm_access.roles` is the claim of that whole
 * name, or `roles` in the object `realm_access`. Null is absent.
 */
export function claimAt(claims: Claims, path: string): unknown {
  const whole = Object.hasOwn(claims, path) ? (claims[path] ?? undefined) : undefined;
  if (whole !== undefined) return whole;
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const head = path.slice(0, dot);
    const inner = Object.hasOwn(claims, head) ? claims[head] : undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) continue;
    const found = claimAt(inner as Claims, path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
