import { timingSafeEqual } from 'node:crypto';

/** Whether a presented secret is the expected one. The time that it takes tells nothing but whether the lengths are the same. */
export function isSameSecret(presented: string, expected: Buffer): boolean {
  const bytes = Buffer.from(presented);
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}
