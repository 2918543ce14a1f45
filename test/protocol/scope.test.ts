import { describe, expect, it } from 'vitest';
import { judgeLoginScope, withBothSpellings } from '../../src/protocol/scope.ts';

const API = 'urn:matrix:client:api:*';
const DEVICE = 'urn:matrix:client:device:';
const OLD_API = 'urn:matrix:org.matrix.msc2967.client:api:*';
const OLD_DEVICE = 'urn:matrix:org.matrix.msc2967.client:device:';

describe('the scope of a login', () => {
  it.each([
    [`${API} ${DEVICE}ABCDEFGHIJ`, 'ABCDEFGHIJ'],
    [`${OLD_API} ${OLD_DEVICE}ABCDEFGHIJ`, 'ABCDEFGHIJ'],
    [`${OLD_API} ${DEVICE}A`, 'A'],
    [`openid ${API} ${DEVICE}3Vr/p8+QK0=`, '3Vr/p8+QK0='],
    [`${API} ${OLD_API} ${DEVICE}AB ${OLD_DEVICE}AB`, 'AB'],
    [`${API} ${DEVICE}${'a'.repeat(255)}`, 'a'.repeat(255)],
  ])('%s names the device', (scope, deviceId) => {
    const judged = judgeLoginScope(scope);
    expect(judged.ok && judged.scope.deviceId).toBe(deviceId);
    expect(judged.ok && judged.scope.granted.join(' ')).toBe(scope);
  });

  it.each([
    '',
    'openid',
    API,
    `${DEVICE}ABC`,
    `${API} ${DEVICE}`,
    `${API} ${DEVICE}A ${DEVICE}B`,
    `${API} ${DEVICE}A ${OLD_DEVICE}B`,
    `${API} ${DEVICE}${'a'.repeat(256)}`,
    `${API} ${DEVICE}a"b`,
    `${API} ${DEVICE}a\\b`,
    `${API} ${DEVICE}a\u0000`,
    `${API}\t${DEVICE}a`,
    `${API} ${DEVICE}é`,
  ])('%j is refused', (scope) => {
    expect(judgeLoginScope(scope).ok).toBe(false);
  });

  it('leaves out what is not known', () => {
    const judged = judgeLoginScope(`email ${API} ${DEVICE}A urn:matrix:client:unknown`);
    expect(judged.ok && judged.scope.granted).toEqual([API, `${DEVICE}A`]);
  });

  it('is told to the homeserver in both spellings', () => {
    expect(withBothSpellings(['openid', OLD_API, `${DEVICE}A`])).toEqual([
      'openid',
      OLD_API,
      API,
      `${DEVICE}A`,
      `${OLD_DEVICE}A`,
    ]);
  });
});
