/** Where a redirect URL leads, as a person can judge it. */
import { type Message, message } from '../../texts/message.ts';

/** A host, this computer, or an app by its own scheme. */
export function returnPlace(url: string): string | Message {
  const { protocol, host } = new URL(url);
  if (protocol === 'https:') return host;
  if (isUnprotected(url)) return `http://${host}`;
  return protocol === 'http:'
    ? message('place.this-computer')
    : message('place.app-behind', { scheme: protocol });
}

/** Whether whoever is on the way can read what is sent there: http to another computer. */
export function isUnprotected(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const isLoopback = /^(?:localhost|(?:.+\.)localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === 'http:' && !isLoopback;
}
