import { expect, test } from 'vitest';
import { sqliteFile, sqliteFileFault } from '../../src/protocol/sqlite-url.ts';

test.each([
  ['sqlite:gatehouse.db', 'gatehouse.db', undefined],
  ['sqlite:/var/lib/gatehouse.db', '/var/lib/gatehouse.db', undefined],
  ['sqlite:///var/lib/gatehouse.db', '/var/lib/gatehouse.db', undefined],
  ['sqlite://relative.db', '//relative.db', undefined],
  ['sqlite:', '', 'must name a file after sqlite:'],
  ['sqlite::memory:', ':memory:', 'must name a file: sessions have to survive a restart'],
  ['sqlite:file::memory:', 'file::memory:', 'must name a file: sessions have to survive a restart'],
  ['sqlite:a.db?mode=ro', 'a.db?mode=ro', 'must name a file, without parameters (? or #)'],
  ['sqlite:folder/', 'folder/', 'must name a file, without parameters (? or #)'],
])('the URL %s is the file %s', (url, file, fault) => {
  expect(sqliteFile(url)).toBe(file);
  expect(sqliteFileFault(file)).toBe(fault);
});
