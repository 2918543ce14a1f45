import type { Homeserver } from './connector.ts';

const nothing = (): Promise<void> => Promise.resolve();

/** `homeserver.kind: none`: nothing is called; the homeserver asks us, by introspection, when it wants to know. */
export const noHomeserver: Homeserver = {
  listens: false,
  findUser: () => Promise.resolve(undefined),
  judgeLocalpart: () => Promise.resolve('available'),
  provisionUser: nothing,
  upsertDevice: nothing,
  renameDevice: nothing,
  deleteDevice: nothing,
  findOwner: () => Promise.resolve(undefined),
  listDevices: () => Promise.resolve([]),
  deactivateUser: nothing,
  reactivateUser: nothing,
  allowCrossSigningReset: nothing,
  close: nothing,
};
