/** Why a text is no JSON Web Key Set with public keys alone (RFC 7517); `undefined` if it is one. */
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
  if (typeof key !== 'object' || key === null) return 'must hold keys that are JSON objects';
  const { kty, d, k } = key as Record<string, unknown>;
  if (d !== undefined || k !== undefined)
    return 'must hold public keys only, and one of them is a secret one';
  return ['RSA', 'EC', 'OKP'].includes(String(kty))
    ? undefined
    : 'must hold keys of the types RSA, EC or OKP';
}
