/** How a claim is named in the configuration: by its name, or by a path into objects. */

/** The members of a token, of userinfo, or of an introspection answer. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The claim of this name, else the longest claim that the name begins with, and so on within it: `realm_access.roles` is the claim of that whole
 * name, or `roles` in the object `realm_access`. Null is absent.
 */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path] ?? undefined;
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const head = path.slice(0, dot);
    const inner = Object.hasOwn(claims, head) ? claims[head] : undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) continue;
    const found = claimAt(inner as Claims, path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
