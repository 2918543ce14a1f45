/**
 * `homeserver.kind: synapse`: users and devices are kept in step through the interface that Synapse offers while its
 * `matrix_authentication_service` is enabled (openapi/homeserver.yaml). tuwunel offers the same routes.
 */
import type { operations } from '../generated/homeserver.ts';
import { createOutbound } from '../outbound/outbound.ts';
import type { Clock, Random } from '../protocol/clock.ts';
import { Unavailable } from '../protocol/unavailable.ts';
import { createCaller, HomeserverFault, type Said } from './calls.ts';
import {
  type Homeserver,
  type HomeserverAccount,
  type HomeserverOwner,
  type HomeserverProfile,
  type KnownDevice,
  type LocalpartVerdict,
  UnknownUser,
} from './connector.ts';

export interface SynapseOptions {
  /** Base URL, internal. */
  readonly url: string;
  /** Shared with Synapse's `matrix_authentication_service`. */
  readonly secret: string;
  /** http to hosts that are not loopback. */
  readonly allowHttp: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Total time of an attempt, in milliseconds. */
const TIMEOUT = 5_000;
/** Synapse refuses longer names of devices. */
const DEVICE_NAME_LIMIT = 100;

type Body<Name extends keyof operations> = operations[Name] extends {
  requestBody: { content: { 'application/json': infer Content } };
}
  ? Content
  : never;

/** Verbs of the admin API, which take an access token. */
type AdminVerb = 'listUserDevices' | 'showUser';

/** Verbs that are a POST of a JSON object. */
type PostedVerb = Exclude<keyof operations, 'queryUser' | 'isLocalpartAvailable' | AdminVerb>;

const paths: Readonly<Record<Exclude<keyof operations, AdminVerb>, string>> = {
  queryUser: '_synapse/mas/query_user',
  isLocalpartAvailable: '_synapse/mas/is_localpart_available',
  provisionUser: '_synapse/mas/provision_user',
  upsertDevice: '_synapse/mas/upsert_device',
  deleteDevice: '_synapse/mas/delete_device',
  updateDeviceDisplayName: '_synapse/mas/update_device_display_name',
  deleteUser: '_synapse/mas/delete_user',
  reactivateUser: '_synapse/mas/reactivate_user',
  allowCrossSigningReset: '_synapse/mas/allow_cross_signing_reset',
};

/** Connects to one Synapse. Opens nothing before the first call. */
export function synapseHomeserver(options: SynapseOptions): Homeserver {
  const { url, secret, allowHttp, clock, random } = options;
  // An internal URL that the operator wrote: it may lead anywhere, and the configuration has judged its scheme.
  const outbound = createOutbound({
    clock,
    addresses: { allows: () => true },
    allowHttp,
    timeoutMs: TIMEOUT,
  });
  const caller = createCaller({ outbound, clock, random, url, secret });

  const tell = async <Name extends PostedVerb>(
    name: Name,
    body: Body<Name> & { localpart: string },
  ): Promise<Said> => {
    const said = await caller({ path: paths[name], body });
    if (said.kind === 'refused') throw contractFault(paths[name], said.errcode);
    return said;
  };
  /** About a user that must be there. */
  const tellOfUser = async <Name extends PostedVerb>(
    name: Name,
    body: Body<Name> & { localpart: string },
  ): Promise<void> => {
    if ((await tell(name, body)).kind === 'not_found') throw new UnknownUser(body.localpart);
  };

  return {
    listens: true,
    async findUser({ localpart }) {
      const said = await caller({ path: paths.queryUser, query: { localpart } });
      if (said.kind === 'refused') throw contractFault(paths.queryUser, said.errcode);
      return said.kind === 'done' ? accountOf(localpart, said.body) : undefined;
    },
    async judgeLocalpart({ localpart }) {
      const said = await caller({ path: paths.isLocalpartAvailable, query: { localpart } });
      if (said.kind === 'done') return 'available';
      const verdict = said.kind === 'refused' ? localpartVerdicts[said.errcode] : undefined;
      if (verdict === undefined) {
        throw contractFault(
          paths.isLocalpartAvailable,
          said.kind === 'refused' ? said.errcode : 'M_NOT_FOUND',
        );
      }
      return verdict;
    },
    provisionUser: (profile) => tellOfUser('provisionUser', provisionBody(profile)),
    upsertDevice: ({ localpart, deviceId: device_id, displayname }) =>
      tellOfUser('upsertDevice', {
        localpart,
        device_id,
        ...(displayname === undefined ? {} : { display_name: cut(displayname) }),
      }),
    renameDevice: async ({ localpart, deviceId: device_id, displayname }) => {
      // 404 is a device that is not there, or its user: nothing to name either way.
      await tell('updateDeviceDisplayName', { localpart, device_id, display_name: cut(displayname) });
    },
    deleteDevice: ({ localpart, deviceId: device_id }) =>
      tellOfUser('deleteDevice', { localpart, device_id }),
    async findOwner({ userId, accessToken }) {
      const path = adminPath(userId);
      const said = await caller({ path, accessToken });
      if (said.kind === 'refused') throw contractFault(path, said.errcode);
      return said.kind === 'done' ? ownerOf(said.body) : undefined;
    },
    async listDevices({ userId, accessToken }) {
      const path = `${adminPath(userId)}/devices`;
      const said = await caller({ path, accessToken });
      if (said.kind === 'refused') throw contractFault(path, said.errcode);
      return said.kind === 'done' ? devicesOf(said.body) : [];
    },
    deactivateUser: ({ localpart, erase }) => tellOfUser('deleteUser', { localpart, erase }),
    reactivateUser: ({ localpart }) => tellOfUser('reactivateUser', { localpart }),
    allowCrossSigningReset: ({ localpart }) => tellOfUser('allowCrossSigningReset', { localpart }),
    close: () => outbound.close(),
  };
}

const localpartVerdicts: Readonly<Record<string, LocalpartVerdict>> = {
  M_USER_IN_USE: 'taken',
  M_INVALID_USERNAME: 'invalid',
  M_EXCLUSIVE: 'reserved',
};

function provisionBody(profile: HomeserverProfile): Body<'provisionUser'> {
  const { localpart, displayname, avatarUrl, emails, locked } = profile;
  return {
    localpart,
    ...(typeof displayname === 'string' ? { set_displayname: displayname } : {}),
    ...(displayname === null ? { unset_displayname: true } : {}),
    ...(typeof avatarUrl === 'string' ? { set_avatar_url: avatarUrl } : {}),
    ...(avatarUrl === null ? { unset_avatar_url: true } : {}),
    ...(emails === undefined ? {} : { set_emails: [...emails] }),
    ...(locked === undefined ? {} : { locked }),
  };
}

function accountOf(localpart: string, body: Readonly<Record<string, unknown>>): HomeserverAccount {
  const text = (name: string): string | null => {
    const value = body[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    localpart,
    userId: text('user_id') ?? '',
    displayname: text('display_name'),
    avatarUrl: text('avatar_url'),
    deactivated: body['is_deactivated'] === true,
    suspended: body['is_suspended'] === true,
  };
}

function adminPath(userId: string): string {
  return `_synapse/admin/v2/users/${encodeURIComponent(userId)}`;
}

function ownerOf(body: Readonly<Record<string, unknown>>): HomeserverOwner {
  const threepids: unknown[] = Array.isArray(body['threepids']) ? body['threepids'] : [];
  const special = ['admin', 'deactivated', 'is_guest', 'appservice_id', 'user_type'];
  return {
    emails: threepids.flatMap((threepid) => {
      const { medium, address } = Object(threepid) as Record<string, unknown>;
      return medium === 'email' && typeof address === 'string' ? [address] : [];
    }),
    isOrdinary: special.every((name) => !body[name]),
  };
}

function devicesOf(body: Readonly<Record<string, unknown>>): KnownDevice[] {
  const devices: unknown[] = Array.isArray(body['devices']) ? body['devices'] : [];
  return devices.flatMap((device) => {
    const { device_id: deviceId, dehydrated } = Object(device) as Record<string, unknown>;
    return typeof deviceId === 'string' ? [{ deviceId, dehydrated: dehydrated === true }] : [];
  });
}

/** A call that Synapse does not understand is a fault of this service or of its version, never one of the client. */
function contractFault(path: string, errcode: string): Unavailable {
  return new Unavailable('the homeserver', {
    cause: new HomeserverFault(
      `${path} refused the call with ${errcode}: is this version of Synapse supported?`,
    ),
    isLasting: true,
  });
}

/** By characters, so that none is cut in two. */
function cut(name: string): string {
  return Array.from(name).slice(0, DEVICE_NAME_LIMIT).join('');
}
