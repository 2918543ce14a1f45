/** Why the service could not start, in words for the operator: what happened, and what to do. Never a stack. */
import { ConfigFault } from '../config/fault.ts';

/** Explains any error of the start. */
export function explainStartFault(error: unknown): string {
  return `cannot start: ${explainFault(error)}`;
}

/** Explains why something that a command needs is not available. */
export function explainFault(error: unknown): string {
  if (error instanceof ConfigFault) return error.message;
  const system = systemErrorOf(error);
  const place = system === undefined ? '' : placeOf(system);
  switch (system?.code) {
    case 'EADDRINUSE':
      return `${place} is already in use\n  -> Stop the other program, or change \`listen\` or \`operations\` in the configuration.`;
    case 'EADDRNOTAVAIL':
      return `${place} is not an address of this machine\n  -> Correct \`listen.host\` or \`operations.host\`.`;
    case 'EACCES':
    case 'EPERM':
      if (system.syscall === 'listen') {
        return `no permission to listen on ${place}\n  -> Use a port from 1024 on, or a socket in a folder that this user can write to.`;
      }
      return `no permission for ${place}\n  -> Give the user of this service permission to read and write it.`;
    default:
      return withMend(error);
  }
}

/** All messages, and the remedy on a line of its own if the error brings one (`DatabaseFault`). */
function withMend(error: unknown): string {
  const text = messagesOf(error).join(': ');
  if (!(error instanceof Error && 'remedy' in error && typeof error.remedy === 'string')) return text;
  const { remedy } = error;
  return `${text.replace(`: ${remedy}`, '')}\n  -> ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`;
}

interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
}

/** The operating system's own error, of the error or of what caused it. */
function systemErrorOf(error: unknown): SystemError | undefined {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth++) {
    if ('syscall' in inner && 'code' in inner && typeof inner.code === 'string') return inner as SystemError;
  }
  return undefined;
}

function placeOf({ address, port, path }: SystemError): string {
  if (port !== undefined && port >= 0) return `${address ?? ''}:${port}`;
  return path ?? address ?? 'a file';
}

function messagesOf(error: unknown): string[] {
  const messages: string[] = [];
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth++) {
    const { message } = inner;
    if (!messages.some((earlier) => earlier.includes(message))) messages.push(message);
  }
  return messages.length === 0 ? ['for an unknown reason'] : messages;
}
