import { describe, expect, it } from 'vitest';
import { buildMetadata } from '../../src/metadata/build.ts';
import { metadataFaults } from '../../src/metadata/check.ts';

const sound: Record<string, unknown> = buildMetadata('https://auth.example.com/');
const faults = (change: Record<string, unknown>): string[] =>
  metadataFaults({ ...sound, ...change }, { allowHttp: false });

describe('the check of an auth metadata document', () => {
  it('finds nothing in our own', () => {
    expect(faults({})).toEqual([]);
  });

  it.each([
    'issuer',
    'authorization_endpoint',
    'token_endpoint',
    'revocation_endpoint',
    'registration_endpoint',
    'response_types_supported',
    'response_modes_supported',
    'grant_types_supported',
    'code_challenge_methods_supported',
  ])('names %s where it is missing', (member) => {
    expect(faults({ [member]: undefined })).toEqual([`${member} is missing`]);
  });

  it.each([
    [{ issuer: 'http://auth.example.com/' }, 'issuer must be an https URL'],
    [{ issuer: 'https://auth.example.com/?a' }, 'issuer must have no query and no fragment'],
    [{ token_endpoint: 'https://u:p@auth.example.com/' }, 'token_endpoint must hold no user information'],
    [{ response_types_supported: ['token'] }, 'response_types_supported must contain code'],
    [{ grant_types_supported: ['authorization_code'] }, 'grant_types_supported must contain refresh_token'],
    [{ response_modes_supported: ['query'] }, 'response_modes_supported must contain fragment'],
    [{ code_challenge_methods_supported: ['plain'] }, 'code_challenge_methods_supported must contain S256'],
    [{ response_types_supported: 'code' }, 'response_types_supported must be an array of strings'],
    [
      {
        grant_types_supported: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
        ],
        device_authorization_endpoint: undefined,
      },
      'device_authorization_endpoint is missing',
    ],
  ])('names the rule that %j breaks', (change, fault) => {
    expect(faults(change)).toEqual([fault]);
  });

  it('takes http for an issuer on loopback', () => {
    expect(metadataFaults({ ...buildMetadata('http://127.0.0.1:8090') }, { allowHttp: true })).toEqual([]);
  });
});
