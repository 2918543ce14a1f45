/** Opens connections to a service, asks once on each, and holds them. `node bench/hold.ts PORT PATH COUNT`; says how many answered. */
import { connect } from 'node:net';

const [, , port = '0', path = '/', count = '0'] = process.argv;
const AT_ONCE = 200;

const open = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    });
    socket.once('data', () => {
      resolve(true);
    });
    socket.on('data', () => undefined);
    socket.once('error', () => {
      resolve(false);
    });
  });

let answered = 0;
for (let done = 0; done < Number(count); done += AT_ONCE) {
  const wave = Math.min(AT_ONCE, Number(count) - done);
  const results = await Promise.all(Array.from({ length: wave }, open));
  answered += results.filter(Boolean).length;
}
process.send?.(answered);
