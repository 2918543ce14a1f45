/** What a homeserver that leaves its people to Gatehouse has to say of itself, as its own `/capabilities` and `/versions` are its own. */

/** Left out, the first two would count as allowed (client-server API, "Capabilities negotiation"). */
const CAPABILITIES = {
  'm.change_password': { enabled: false },
  'm.3pid_changes': { enabled: false },
  'm.get_login_token': { enabled: false },
} as const;

/** Login tokens from one client to another, by their unstable name. */
const FEATURES = { 'org.matrix.msc3882': false } as const;

/**
 * The `capabilities` member of `GET /capabilities`: the homeserver's own with those that delegation decides. Passwords and third-party identifiers are the
 * identity provider's; login tokens are not handed from one client to another.
 */
export function delegatedCapabilities<Own extends object>(own: Own): Own & typeof CAPABILITIES {
  return { ...own, ...structuredClone(CAPABILITIES) };
}

/**
 * The body of `GET /versions`: the homeserver's own, with the unstable features that delegation decides. No version of the specification is added:
 * clients find `auth_metadata` by its unstable name if v1.15 is not advertised.
 */
export function delegatedVersions<Own extends object>(
  own: Own & { readonly unstable_features?: Readonly<Record<string, boolean>> },
): Own & { unstable_features: Record<string, boolean> } {
  return { ...own, unstable_features: { ...own.unstable_features, ...FEATURES } };
}
