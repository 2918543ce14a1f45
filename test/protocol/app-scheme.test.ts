import { describe, expect, it } from 'vitest';
import { redirectUriFault } from '../../src/clients/redirect-uri.ts';
import { appSchemeFault } from '../../src/protocol/app-scheme.ts';
import { loginRedirectFault } from '../../src/protocol/login-redirect.ts';

const foreign = [
  'microsoft-edge',
  'microsoft-edge-https',
  'x-safari-https',
  'x-safari-http',
  'googlechrome',
  'googlechromes',
  'firefox',
  'firefox-focus',
  'touch-https',
  'opera-http',
  'web+matrix',
  'web+app.example',
  'vscode',
  'vscode-insiders',
  'cursor',
  'shortcuts',
  'workflow',
  'intent',
  'javascript',
  'data',
  'file',
  'ms-settings',
  'android-app',
  'view-source',
  'tel',
  'matrix',
  'element-http',
  'org.example.http',
  'org.',
  '.org',
  'org..app',
];
const apps = ['element', 'cinny', 'im.fluffychat', 'io.element.desktop', 'org.example.app', 'chat.a-b.app'];

describe('a scheme of an app', () => {
  it.each(foreign)('is not %s', (scheme) => {
    expect(appSchemeFault(scheme)).toBeDefined();
    expect(loginRedirectFault(`${scheme}:login`)).toBeDefined();
    expect(loginRedirectFault(`${scheme.toUpperCase()}:https://evil.example/`)).toBeDefined();
  });

  it.each(apps)('may be %s', (scheme) => {
    expect(appSchemeFault(scheme)).toBeUndefined();
    expect(loginRedirectFault(`${scheme}://login`)).toBeUndefined();
  });

  it('is judged alike at registration', () => {
    const rules = { applicationType: 'native', clientUri: new URL('https://http.example.org/') } as const;
    expect(redirectUriFault('org.example.http:/cb', rules)).toContain('hands it on');
    const own = { applicationType: 'native', clientUri: new URL('https://app.example.org/') } as const;
    expect(redirectUriFault('org.example.app:/cb', own)).toBeUndefined();
  });
});
