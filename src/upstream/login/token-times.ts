/** The times that a token of the IdP states (RFC 7519 section 4.1): what no provider means is refused. */

/** The longest life that any provider gives an ID token is a month; a year is beyond all of them, in seconds. */
const LONGEST = 366 * 86_400;

/** Why the times cannot be meant; `undefined` if they can. What is not a number is for others to judge. */
export function lifetimeFault(
  { iat, exp }: Readonly<Record<string, unknown>>,
  { nowSeconds, clockTolerance }: { readonly nowSeconds: number; readonly clockTolerance: number },
): string | undefined {
  if (typeof iat === 'number' && iat > nowSeconds + clockTolerance) {
    return `iat is ${inSeconds(iat - nowSeconds)} ahead of our clock`;
  }
  if (typeof exp !== 'number') return undefined;
  if (exp > nowSeconds + LONGEST) return `exp is ${inSeconds(exp - nowSeconds)} ahead of our clock`;
  if (typeof iat !== 'number') return undefined;
  if (exp < iat - clockTolerance) return `exp is ${inSeconds(iat - exp)} before iat`;
  return exp - iat > LONGEST ? `exp is ${inSeconds(exp - iat)} after iat` : undefined;
}

/** Some write milliseconds, which is far off in the same way everywhere. */
function inSeconds(difference: number): string {
  const hint = difference > 1000 * LONGEST ? ', as if in milliseconds' : '';
  return `${String(Math.round(difference))} seconds${hint}`;
}
