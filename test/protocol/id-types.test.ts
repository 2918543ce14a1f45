/** Ids that must not be mixed do not compile where another kind is due: the compiler reads this file, too. */
import { expect, it } from 'vitest';
import type { ClientId, DeviceId, InternalUserId, SessionId } from '../../src/protocol/identifiers.ts';
import type { EndedSession } from '../../src/sessions/end.ts';
import type { NewSession } from '../../src/sessions/start.ts';
import type { Session } from '../../src/storage/records/sessions.ts';
import type { User } from '../../src/storage/records/users.ts';

const takesUser = (id: InternalUserId): string => id;
const takesSession = (id: SessionId): string => id;
const takesClient = (id: ClientId): string => id;
const takesDevice = (id: DeviceId): string => id;

it('refuses one kind of id where another is due', () => {
  const user = { id: 'user' } as User;
  const session = { id: 'session', user_id: 'user', client_id: 'client', device_id: 'device' } as Session;
  const opening: Pick<NewSession, 'id' | 'userId'> = { id: session.id, userId: user.id };
  const ended = { id: session.id, userId: user.id } as EndedSession;
  // @ts-expect-error a session's id is no user's
  takesUser(session.id);
  // @ts-expect-error nor is an ended one's
  takesUser(ended.id);
  // @ts-expect-error a user's id is no session's
  takesSession(user.id);
  // @ts-expect-error a user's id is no session's
  takesSession(opening.userId);
  // @ts-expect-error a client's id is no device's
  takesDevice(session.client_id ?? '');
  // @ts-expect-error a device's id is no client's
  takesClient(session.device_id ?? '');
  // @ts-expect-error two kinds are never equal
  expect(session.id === user.id).toBe(false);
});

it('takes each where it is due, and text that has just come in', () => {
  const user = { id: 'user' } as User;
  expect([
    takesUser(user.id),
    takesUser('user'),
    takesSession('s'),
    takesClient('c'),
    takesDevice('d'),
  ]).toEqual(['user', 'user', 's', 'c', 'd']);
});
