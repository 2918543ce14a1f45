import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { foreign, html } from '../../../src/http/pages/html.ts';
import { page } from '../../../src/http/pages/page.ts';
import { wordsIn } from '../../../src/http/pages/words.ts';
import { message } from '../../../src/texts/message.ts';

const en = wordsIn('en');
const title = message('account.title');

const hostile = `"><svg/onload=alert(1)>'\`&amp;</title></style>`;

describe('a template', () => {
  it('escapes every insertion, in content and in attributes', () => {
    const { text } = html`<p title="${hostile}">${hostile}</p>`;
    expect(text).not.toMatch(/<svg|<\/title|<\/style/);
    expect(text).toBe(
      '<p title="&quot;&gt;&lt;svg/onload=alert(1)&gt;&#39;&#96;&amp;amp;&lt;/title&gt;&lt;/style&gt;">' +
        '&quot;&gt;&lt;svg/onload=alert(1)&gt;&#39;&#96;&amp;amp;&lt;/title&gt;&lt;/style&gt;</p>',
    );
  });

  it('takes templates, lists, numbers and nothing', () => {
    expect(html`${[html`<b>1</b>`, ' & ', 2]}${undefined}${false}`.text).toBe('<b>1</b> &amp; 2');
  });

  it('does not take an object that only looks like a template', () => {
    const forged = JSON.parse('{"text":"<script>"}') as ReturnType<typeof html>;
    expect(html`${forged}`.text).not.toContain('<script>');
  });

  it('keeps text of others apart, without controls and direction overrides', () => {
    expect(foreign('a\u202eb\u0007c\ud800').text).toBe('<bdi>a\ufffdb\ufffdc\ufffd</bdi>');
  });
});

describe('a page', () => {
  const styleOf = (document: string): string => /<style>([\s\S]*)<\/style>/.exec(document)?.[1] ?? '';

  it('has one stylesheet, allowed by its hash, and no script', () => {
    const { body = '', headers } = page(en, {
      title: message('sso.title', { place: hostile }),
      body: html`<p>x</p>`,
    });
    const hash = createHash('sha256').update(styleOf(body)).digest('base64');
    expect(headers?.['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
    expect(body).not.toMatch(/<script|<svg|onload="|javascript:/);
    expect(body.match(/<style/g)).toHaveLength(1);
    expect(body).toContain('<html lang="en">');
    expect(headers?.['content-language']).toBe('en');
    expect(body).toContain('name="viewport"');
    expect(styleOf(body)).toContain('prefers-color-scheme: dark');
  });

  it('may have one script, allowed by its hash, which reaches this service and the app around it alone', () => {
    const script = 'go("<b>")';
    const { body = '', headers } = page(en, { title, body: html``, script });
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = headers?.['content-security-policy'];
    expect(policy).toContain(`script-src 'sha256-${hash}'; connect-src 'self'; frame-src js:;`);
    expect(policy).toContain("default-src 'none'");
    expect(body).toContain(`<script>${script}</script>`);
    expect(body.match(/<script/g)).toHaveLength(1);
  });

  it('limits its forms to this service unless it says otherwise', () => {
    const policy = (forms?: 'anywhere'): unknown =>
      page(en, { title, body: html``, ...(forms && { forms }) }).headers?.['content-security-policy'];
    expect(policy()).toContain("form-action 'self'");
    expect(policy('anywhere')).not.toContain('form-action');
    expect(policy('anywhere')).toContain("frame-ancestors 'none'");
  });

  it('can move the browser on without a script', () => {
    expect(page(en, { title, body: html``, refreshTo: 'https://a.example/?b="&c' }).body).toContain(
      'content="0; url=https://a.example/?b=&quot;&amp;c"',
    );
  });
});
