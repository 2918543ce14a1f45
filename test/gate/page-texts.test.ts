/** The lint rules that keep texts in the catalogue, and errors of the wire off pages. */
import { ESLint } from 'eslint';
import { describe, expect, test } from 'vitest';
import { root } from '../../scripts/run.ts';

/** Messages of one rule about a file of this path with this text. The file need not exist. */
async function told(rule: string, path: string, text: string): Promise<string[]> {
  // What needs types cannot be asked about a file that is not there.
  const untyped = new ESLint({
    cwd: root,
    overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
    ruleFilter: ({ ruleId }) => ruleId === rule,
  });
  const [result] = await untyped.lintText(text, { filePath: `${root}/${path}` });
  return (result?.messages ?? []).map(({ message }) => message);
}

describe('words in a template of a page', () => {
  test.each([
    ['in an element', 'html`<p>Sign in</p>`'],
    ['between insertions', 'html`<p>${name} wants to ${act}</p>`'],
    ['in an attribute that is read out', 'html`<a aria-label="Close" href="${url}">×</a>`'],
    ['in a placeholder', 'html`<input placeholder="Your name" />`'],
    ['as one outcome of a condition', "html`<p>${isOpen ? 'open' : say('x')}</p>`"],
    ['as a fallback', "html`<p>${name ?? 'nobody'}</p>`"],
    ['in a template literal that is put in', 'html`<p>${`${count} left`}</p>`'],
    ['in another language', 'html`<p>Zurück</p>`'],
  ])('are an error: %s', async (_where, template) => {
    expect(await told('house/text-key', 'src/account/new-page.ts', template)).not.toEqual([]);
  });

  test.each([
    ['a text by its key', "html`<p>${say('account.title')}</p>`"],
    ['values of attributes', 'html`<input type="text" name="code" value="${code}" class="primary" />`'],
    ['a condition within a tag', "html`<p class=\"${isSoft ? 'soft' : 'loud'}\">${text}</p>`"],
    ['punctuation and numbers', 'html`<p>${one} · ${other} (2)</p>`'],
    ['words that are compared, not shown', "html`<p>${kind === 'view' && text}</p>`"],
    ['other templates', 'css`color: red`'],
  ])('are fine: %s', async (_where, template) => {
    expect(await told('house/text-key', 'src/account/new-page.ts', template)).toEqual([]);
  });
});

describe('an error of the wire on a page', () => {
  const rule = '@typescript-eslint/no-restricted-imports';
  const oauth = (path: string): string => `import { OAuthError } from '${path}protocol/oauth-error.ts';`;
  const matrix = (path: string): string => `import { MatrixError } from '${path}protocol/matrix-error.ts';`;

  test.each([
    ['src/account/sessions.ts', oauth('../')],
    ['src/account/a-new-page.ts', matrix('../')],
    ['src/authorization-server/consent/consent.ts', oauth('../../')],
    ['src/authorization-server/device/device-decision.ts', oauth('../../')],
    ['src/matrix-api/login/sso-confirmation.ts', matrix('../../')],
    ['src/matrix-api/user-interactive/confirm.ts', matrix('../../')],
    ['src/sign-in/current.ts', oauth('../')],
    ['src/http/csrf.ts', oauth('../')],
  ])('is an error in %s', async (path, text) => {
    expect((await told(rule, path, text)).join()).toContain('PageRefusal');
  });

  test.each([
    ['src/authorization-server/token.ts', oauth('../')],
    ['src/authorization-server/authorization-parameters.ts', oauth('../')],
    ['src/matrix-api/login/log-in.ts', matrix('../../')],
    ['src/http/pages/page-refusal.ts', oauth('../../').replace('import {', 'import type {')],
  ])('is what a program is told: %s', async (path, text) => {
    expect(await told(rule, path, text)).toEqual([]);
  });
});
