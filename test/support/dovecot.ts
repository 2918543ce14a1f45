/** The Dovecot of this machine, with one passdb of its oauth2 database, on a free port. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** The program; `undefined` if it is not installed. */
export const dovecotPath = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'].find((path) => existsSync(path));

/** What IMAP answered to a sign-in. */
export interface ImapAnswer {
  /** `OK`, or the code of the refusal: `AUTHENTICATIONFAILED`, `UNAVAILABLE`. */
  readonly outcome: string;
  /** What SASL told the client before the refusal, decoded. */
  readonly challenge: string | undefined;
}

export interface Dovecot extends AsyncDisposable {
  /** Signs in with a token, as a mail client does. */
  bearer(user: string, token: string, mechanism?: 'OAUTHBEARER' | 'XOAUTH2'): Promise<ImapAnswer>;
  /** Signs in with a name and a password. */
  password(user: string, password: string): Promise<ImapAnswer>;
  /** What it has logged. */
  log(): string;
}

/** Starts it. `settings` is the file of the oauth2 database; `plain`, if given, that of a second one for passwords. */
export async function startDovecot(options: {
  readonly settings: string;
  readonly plain?: string;
}): Promise<Dovecot> {
  // Its own users must be able to enter.
  const folder = mkdtempSync('/tmp/gatehouse-dovecot-');
  chmodSync(folder, 0o755);
  const port = await freePort();
  for (const name of ['run', 'state', 'mail']) mkdirSync(join(folder, name));
  chmodSync(join(folder, 'mail'), 0o777);
  writeFileSync(join(folder, 'token.ext'), options.settings);
  writeFileSync(join(folder, 'plain.ext'), options.plain ?? '');
  const plain = `passdb {\n  driver = oauth2\n  mechanisms = plain login\n  args = ${folder}/plain.ext\n}`;
  writeFileSync(
    join(folder, 'dovecot.conf'),
    `protocols = imap
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
auth_debug = yes
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain oauthbearer xoauth2
auth_failure_delay = 0
auth_cache_size = 0
mail_location = maildir:${folder}/mail/%n
first_valid_uid = 1
service imap-login {
  inet_listener imap {
    port = ${String(port)}
  }
  inet_listener imaps {
    port = 0
  }
  chroot =
}
service anvil {
  chroot =
  # No delay that grows with each refusal.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${folder}/token.ext
}
${options.plain === undefined ? '' : plain}
userdb {
  driver = static
  args = uid=mail gid=mail home=${folder}/mail/%n
}
`,
  );
  const child = spawn(dovecotPath ?? 'dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const log = (): string =>
    existsSync(join(folder, 'dovecot.log')) ? readFileSync(join(folder, 'dovecot.log'), 'utf8') : '';
  const until = Date.now() + 15_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`Dovecot did not start: ${complaints}${log()}`);
    await delay(50);
  }
  return {
    bearer: (user, token, mechanism = 'OAUTHBEARER') => {
      const response =
        mechanism === 'XOAUTH2'
          ? `user=${user}\u0001auth=Bearer ${token}\u0001\u0001`
          : `n,a=${user},\u0001host=localhost\u0001port=${String(port)}\u0001auth=Bearer ${token}\u0001\u0001`;
      return authenticate(port, mechanism, response);
    },
    password: (user, password) => authenticate(port, 'PLAIN', `\0${user}\0${password}`),
    log,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

function authenticate(port: number, mechanism: string, response: string): Promise<ImapAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let challenge: string | undefined;
    let begun = false;
    socket.setTimeout(20_000, () => {
      socket.destroy(new Error(`IMAP said nothing more: ${text}`));
    });
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (!begun && line.startsWith('* OK')) {
          begun = true;
          socket.write(`a AUTHENTICATE ${mechanism} ${Buffer.from(response).toString('base64')}\r\n`);
        } else if (line.startsWith('+ ')) {
          challenge = Buffer.from(line.slice(2), 'base64').toString();
          socket.write('\r\n');
        } else if (line.startsWith('a ')) {
          socket.end();
          const outcome = line.startsWith('a OK') ? 'OK' : (/\[([A-Z]+)\]/.exec(line)?.[1] ?? line);
          resolve({ outcome, challenge });
        }
      }
    });
  });
}
