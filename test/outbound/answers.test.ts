import { describe, expect, it } from 'vitest';
import { describeAnswer, isMarkup } from '../../src/outbound/answers.ts';
import type { OutboundResponse } from '../../src/outbound/outbound.ts';

const answered = (type: string | undefined, text: string, status = 200): OutboundResponse => ({
  status,
  headers: type === undefined ? {} : { 'content-type': type },
  text,
  requestedAt: 0,
});

describe('an answer that is not the JSON that is due', () => {
  it.each<[string, string | undefined, string, RegExp]>([
    [
      'JSON as a page',
      'text/html; charset=utf-8',
      '{"issuer":"x"}',
      /JSON with the content type text\/html,/,
    ],
    ['JSON as text', 'text/plain', ' {"issuer":"x"}', /JSON with the content type text\/plain,/],
    ['JSON without a type', undefined, '{"a":1}', /JSON with the content type \(none\),/],
    ['an array as a page', 'text/html', '\n[]', /JSON with the content type text\/html,/],
    ['broken JSON as a page', 'text/html', '{"issuer": <b>', /JSON with the content type text\/html,/],
    ['a byte order mark', 'text/html', '\ufeff{"a":1}', /JSON with the content type text\/html,/],
    ['nothing as a page', 'text/html', '', /^https:\S+ answered the content type text\/html where/],
    ['words', 'text/plain', 'Not found', /^https:\S+ answered the content type text\/plain where/],
  ])('%s is told as what it is, no page', (_what, type, text, words) => {
    const answer = answered(type, text);
    expect(isMarkup(answer)).toBe(false);
    expect(describeAnswer(answer, 'https://idp.example.com/').message).toMatch(words);
  });

  it.each([
    ['a page', 'text/html', '<!DOCTYPE html><title>x</title>'],
    ['a page that calls itself JSON', 'application/json', '<html lang="en">'],
    ['a page with a comment first', 'application/json', '<!-- cached -->\n<!doctype html>'],
    ['XHTML', 'application/xhtml+xml', '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">'],
    ['a fragment of a page', 'text/html', '<h1>404</h1>'],
    ['words as a page', 'text/html', 'Service is sleeping'],
  ])('%s is an HTML page', (_what, type, text) => {
    const answer = answered(type, text);
    expect(isMarkup(answer)).toBe(true);
    expect(describeAnswer(answer, 'https://idp.example.com/').message).toContain('with an HTML page');
  });

  it('is told by its status first, where JSON is an error', () => {
    expect(describeAnswer(answered('text/html', '{}', 502), 'https://idp.example.com/x').message).toBe(
      'https://idp.example.com/x answered 502',
    );
  });
});
