import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeError, scrubSecrets } from '../../src/observability/redaction.ts';
import { createRequestLog } from '../../src/observability/request-log.ts';
import { issueSecret, secretPrefixes } from '../../src/protocol/token-format.ts';
import type { SecretKind } from '../../src/protocol/token-format.ts';
import { seededRandom } from '../support/clock.ts';
import { memoryLog } from '../http/support.ts';

const random = seededRandom('log');
const secrets = Object.keys(secretPrefixes).map((kind) => issueSecret(kind as SecretKind, random));
const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzIn0.c2lnbmF0dXJl';

describe('redaction', () => {
  it('finds secrets of ours, JWTs, credentials and secret parameters in any text', () => {
    for (const secret of [...secrets, jwt]) expect(scrubSecrets(`a ${secret} b`)).toBe('a [redacted] b');
    expect(scrubSecrets('Authorization: Bearer abcdef123 and basic dXNlcjpwYXNz')).toBe(
      'Authorization: Bearer [redacted] and basic [redacted]',
    );
    for (const name of [
      'code',
      'access_token',
      'loginToken',
      'refresh_token',
      'client_secret',
      'password',
      'state',
      'code_verifier',
    ]) {
      expect(scrubSecrets(`GET https://h/?a=b&${name}=s3cret&c=d`)).toBe(
        `GET https://h/?a=b&${name}=[redacted]&c=d`,
      );
      expect(scrubSecrets(`{"${name}": "s3cret"}`)).toBe(`{"${name}": "[redacted]"}`);
    }
    expect(scrubSecrets('postgres://user:pass@host/db')).toBe('postgres://[redacted]@host/db');
    expect(scrubSecrets('nothing of the kind: code 42, state of things')).toBe(
      'nothing of the kind: code 42, state of things',
    );
  });

  it('takes no longer for hostile text than for any other', () => {
    for (const piece of ['a.', 'eyJa.', 'Bearer ', 'a://', 'code', 'gat_', '" : "', '%', ' ']) {
      const started = performance.now();
      scrubSecrets(piece.repeat(65_536 / piece.length));
      expect(performance.now() - started, piece).toBeLessThan(200);
    }
  });

  it('tells errors with their causes, but none of the members that libraries hang on them', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      request: { headers: { authorization: 'Bearer s3cret-token' } },
    });
    const error = new Error('the body was {"password":"hunter2"}', { cause });
    const told = JSON.stringify(describeError(error));
    expect(told).toContain('ECONNREFUSED');
    expect(told).not.toMatch(/hunter2|s3cret/);
    expect(describeError('a string')).toBe('a string');
    expect(describeError({ password: 'x' })).toEqual({ type: 'object' });
    const loop = new Error('loop');
    loop.cause = loop;
    expect(JSON.stringify(describeError(loop)).length).toBeLessThan(20_000);
  });
});

describe('the log', () => {
  it('drops members that hold secrets and scrubs the others', () => {
    const { log, text } = memoryLog();
    log.info(
      {
        token: 'abc',
        headers: { authorization: 'x', cookie: 'y', 'set-cookie': 'z' },
        url: `https://h/?code=abc`,
        id: 'kept',
      },
      `saw ${secrets[0] ?? ''}`,
    );
    log.error({ err: new Error(`Bearer ${jwt}`) });
    log.warn(`password=hunter2`);
    expect(text()).not.toMatch(/abc|"x"|"y"|"z"|hunter2|eyJ/);
    expect(text()).toContain('kept');
    for (const secret of secrets) expect(text()).not.toContain(secret);
  });

  it('keeps each entry on one line, whatever is in it', () => {
    const { log, lines } = memoryLog();
    const hostile = 'a\r\n{"level":"fatal"}\u001b[31m\u2028';
    log.info({ name: hostile }, hostile);
    createRequestLog(log)('info', 0, {
      requestId: 'r',
      operation: 'o',
      method: 'GET',
      status: 200,
      durationMs: 1,
      clientAddress: '::1',
      reason: hostile,
      clientId: hostile,
    });
    expect(lines()).toHaveLength(2);
    expect(lines()[0]).toMatchObject({ name: hostile, message: hostile });
    expect(lines()[1]).toMatchObject({ reason: hostile, client_id: hostile });
  });

  it('has the same form for a request line as for any other, bindings included', () => {
    const { log, lines } = memoryLog('info');
    const write = createRequestLog(log.child({ process: 2 }));
    write('info', Date.UTC(2026, 0, 2, 3, 4, 5, 6), {
      requestId: 'r-1',
      operation: 'whoami',
      method: 'GET',
      status: 200,
      durationMs: 1.2345,
      clientAddress: '192.0.2.1',
      sessionId: 's',
    });
    write('info', Date.UTC(2026, 0, 2, 3, 4, 5, 999), {
      requestId: 'r-2',
      operation: 'whoami',
      method: 'GET',
      status: undefined,
      durationMs: 0,
      clientAddress: 'unix',
    });
    write('debug', 0, {
      requestId: 'r-3',
      operation: 'x',
      method: 'GET',
      status: 200,
      durationMs: 0,
      clientAddress: 'unix',
    });
    expect(lines()).toEqual([
      {
        level: 'info',
        time: '2026-01-02T03:04:05.006Z',
        process: 2,
        request_id: 'r-1',
        operation: 'whoami',
        method: 'GET',
        status: 200,
        duration_ms: 1.23,
        client_address: '192.0.2.1',
        session_id: 's',
        message: 'request',
      },
      {
        level: 'info',
        time: '2026-01-02T03:04:05.999Z',
        process: 2,
        request_id: 'r-2',
        operation: 'whoami',
        method: 'GET',
        duration_ms: 0,
        client_address: 'unix',
        message: 'request',
      },
    ]);
    log.info({ a: 1 }, 'other');
    expect(Object.keys(lines()[2] ?? {})).toEqual(['level', 'time', 'a', 'message']);
  });

  it('writes everything in order, and what is waiting when the process ends, to a reader that is slow', async () => {
    const script = `import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/observability/log.ts'))};
      const log = createLog();
      for (let line = 0; line < 4000; line++) log.info({ line, padding: 'x'.repeat(100) }, 'a line');
      setTimeout(() => { log.info({ line: 4000 }, 'the last line'); process.exit(0); }, 50);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    const numbers = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { line: number }).line);
    expect(numbers).toEqual(Array.from({ length: 4001 }, (_, line) => line));
  });

  it('writes JSON to a pipe, all of it before the process ends', async () => {
    const script = `import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/observability/log.ts'))}; const log = createLog(); log.info('one'); log.info('two'); process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { message: string }).message),
    ).toEqual(['one', 'two']);
  });
});
