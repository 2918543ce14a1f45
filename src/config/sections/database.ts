/** Where sessions are stored. */
import { z } from 'zod';
import { sqliteFile, sqliteFileFault } from '../../protocol/sqlite-url.ts';
import { count, described, secretFile, textRule } from '../fields.ts';

export const DEFAULT_DATABASE = 'sqlite:gatehouse.db';

function postgresUrlFault(text: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'must begin with postgres://';
  return URL.parse(text) === null ? 'must be a valid postgres:// URL' : undefined;
}

function databaseUrlFault(text: string): string | undefined {
  if (/^postgres(ql)?:/.test(text)) return postgresUrlFault(text);
  if (!text.startsWith('sqlite:')) return 'must begin with sqlite: or postgres://';
  return sqliteFileFault(sqliteFile(text));
}

export const databaseSection = z.strictObject({
  url: described(textRule(databaseUrlFault).default(DEFAULT_DATABASE), {
    description:
      '`sqlite:FILE`, or `postgres://user:password@host/database`, which also needs `encryption_key`. The folder of the file must exist and be writable: SQLite creates more files next to it.',
    example: '"sqlite:gatehouse.db"',
    secret: true,
  }),
  url_file: secretFile('url'),
  pool_size: count(
    { min: 2, max: 200, default: 10 },
    'connections',
    'PostgreSQL: maximum number of connections of one process, half of them for reads.',
  ),
  direct_url: described(textRule(postgresUrlFault).optional(), {
    description:
      'PostgreSQL: a URL that bypasses PgBouncer, for migrations and for notifications between processes.',
    fallback: '`url`, and polling',
    secret: true,
  }),
  direct_url_file: secretFile('direct_url'),
});
