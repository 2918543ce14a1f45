import type { Homeserver } from './connector.ts';

/** `homeserver.kind: none`: nothing is called; the homeserver asks us, by introspection, when it wants to know. */
export const noHomeserver: Homeserver = {
  listens: false,
  provisionUser: () => Promise.resolve(),
  upsertDevice: () => Promise.resolve(),
  renameDevice: () => Promise.resolve(),
  deleteDevice: () => Promise.resolve(),
};
