/** Why a text is not a JSON Web Key Set with only public keys (RFC 7517); `undefined` if it is one. */
export function keySetFault(text: string): string | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return 'must be JSON: {"keys":[…]}';
  }
  const keys = typeof set === 'object' && set !== null ? (set as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0) return 'must be a JSON Web Key Set with at least one key';
  for (const key of keys as unknown[]) {
    const fault = keyFault(key);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function keyFault(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null) return 'must contain keys that are JSON objects';
  const { kty, d, k } = key as Record<string, unknown>;
  if (d !== undefined || k !== undefined) return 'must contain only public keys, but one of them is private';
  return ['RSA', 'EC', 'OKP'].includes(String(kty))
    ? undefined
    : 'must contain only keys of the types RSA, EC and OKP';
}
