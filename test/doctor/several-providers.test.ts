/** One provider of several is broken: whose sign-in that is, and whose it is not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatReport } from '../../src/cli/doctor-text.ts';
import { finding, type FindingCode } from '../../src/doctor/finding.ts';
import { whoCannotSignIn } from '../../src/doctor/who-signs-in.ts';
import { startSetUp, type SetUp } from './set-up.ts';

describe('who cannot sign in', () => {
  const provider = (id: string, codes: FindingCode[] = [], name = id) => ({
    id,
    name,
    findings: codes.map((code) =>
      finding({ code, subject: id, probed: '', expected: '', seen: '', remedy: '' }),
    ),
  });

  it.each<[string, ReturnType<typeof provider>[], string | null]>([
    ['one, sound', [provider('a')], null],
    ['one, with a warning', [provider('a', ['provider.pkce'])], null],
    ['one, broken', [provider('a', ['provider.unreachable'])], 'Nobody can sign in.'],
    [
      'two, one broken',
      [provider('a', ['provider.tls']), provider('b')],
      'People of a cannot sign in; people of b can.',
    ],
    [
      'two with names, one broken',
      [provider('a', [], 'Staff'), provider('b', ['provider.client_refused'], 'Guests')],
      'People of b ("Guests") cannot sign in; people of a ("Staff") can.',
    ],
    [
      'two, both broken',
      [provider('a', ['provider.tls']), provider('b', ['provider.html'])],
      'Nobody can sign in.',
    ],
    [
      'four, two broken',
      [
        provider('a'),
        provider('b', ['provider.status']),
        provider('c'),
        provider('d', ['provider.tls']),
        provider('e'),
      ],
      'People of b and d cannot sign in; people of a, c and e can.',
    ],
    [
      'two, one with faults that stop nobody in a browser',
      [provider('a', ['provider.private_key_published', 'provider.password_grant']), provider('b')],
      null,
    ],
  ])('%s', (_what, providers, sentence) => {
    expect(whoCannotSignIn(providers)).toBe(sentence);
  });
});

describe('the doctor', () => {
  let setUp: SetUp;
  beforeAll(async () => {
    setUp = await startSetUp();
  });
  afterAll(() => setUp[Symbol.asyncDispose]());

  const second = (lines: string) => (text: string) =>
    text.replace(
      'homeserver:',
      `  - { id: second, name: Guests, client_id: x, client_secret: x, ${lines} }\nhomeserver:`,
    );

  it('says whose sign-in a provider that is down breaks, as text and as JSON', async () => {
    const report = await setUp.ask(second('issuer: "http://127.0.0.1:9"'));
    const sentence = 'People of second ("Guests") cannot sign in; people of main can.';
    expect(report.who_cannot_sign_in).toBe(sentence);
    expect(report.providers.map(({ can_sign_in }) => can_sign_in)).toEqual([true, false]);
    expect(report.exit_code).toBe(1);
    expect(formatReport(report)).toContain(sentence);
  });

  it('says whose sign-in a wrong client secret breaks', async () => {
    const report = await setUp.ask(second(`issuer: "${setUp.idp.issuer}"`));
    expect(report.who_cannot_sign_in).toMatch(/^People of second .* people of main can/);
  });

  it('says nothing of people where everybody can sign in', async () => {
    const report = await setUp.ask();
    expect(report.who_cannot_sign_in).toBeNull();
    expect(formatReport(report)).not.toContain('sign in');
  });
});
