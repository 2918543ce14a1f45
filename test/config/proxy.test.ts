import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { faultsOf, makeFolder, withProvider, type Json } from './support.ts';

test.each<[name: string, keys: Json, problem: RegExp | undefined]>([
  ['short', { proxy_url: 'http://proxy:3128' }, undefined],
  ['in whole', { proxy: { url: 'https://proxy', username: 'gate', password_file: 'proxy' } }, undefined],
  ['short, with credentials', { proxy_url: 'http://proxy', proxy: { username: 'gate' } }, undefined],
  [
    'twice',
    { proxy_url: 'http://proxy', proxy: { url: 'http://proxy' } },
    /proxy\.url.*in addition to `proxy_url`/,
  ],
  ['without a URL', { proxy: { username: 'gate' } }, /proxy\.url.*is missing/],
  ['with a password alone', { proxy: { url: 'http://proxy', password: 'x' } }, /proxy\.username.*is missing/],
  ['with a colon in the name', { proxy: { url: 'http://proxy', username: 'a:b' } }, /must have no colon/],
  ['with another scheme', { proxy: { url: 'socks5://proxy' } }, /proxy\.url/],
])('a forward proxy, %s', (_name, keys, problem) => {
  const baseDir = makeFolder({ proxy: 'hidden\n' });
  if (problem === undefined) {
    const read = parseConfig(withProvider(keys), { baseDir }).providers[0];
    const { url, username } = (keys['proxy'] ?? {}) as Json;
    expect(read?.proxy_url).toBe(keys['proxy_url']);
    expect(read?.proxy?.url).toBe(url);
    expect(read?.proxy?.username).toBe(username);
    expect(read?.proxy?.password).toBe(url === undefined ? undefined : 'hidden');
  } else {
    expect(JSON.stringify(faultsOf(withProvider(keys)))).toMatch(problem);
  }
});
