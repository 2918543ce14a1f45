import type { Random } from '../../protocol/clock.ts';
import { MatrixError } from '../../protocol/matrix-error.ts';
import type { LogInBody } from './log-in-body.ts';

/** The longest device id, in characters, by what homeservers store. */
const DEVICE_ID_LIMIT = 255;
/** What is kept of a device's name, in characters. */
const NAME_LIMIT = 100;

/** What a client says of the device that it logs in on. */
export interface LogInDevice {
  readonly id: string;
  /** For a device that is not known yet. */
  readonly name: string | null;
  /** The client can refresh. */
  readonly refreshable: boolean;
}

/** The device of a login: with an id of our own if the client has none, which it also says by an empty one. Throws 400 M_INVALID_PARAM. */
export function readDevice(body: LogInBody, random: Random): LogInDevice {
  const { device_id: id, initial_device_display_name: name, refresh_token: refreshable } = body;
  if (id != null && characters(id).length > DEVICE_ID_LIMIT) {
    throw new MatrixError(
      400,
      'M_INVALID_PARAM',
      `device_id must have at most ${String(DEVICE_ID_LIMIT)} characters`,
    );
  }
  return {
    id: id == null || id === '' ? newDeviceId(random) : id,
    name: name == null || name.trim() === '' ? null : characters(name).slice(0, NAME_LIMIT).join(''),
    refreshable: refreshable === true,
  };
}

/** Ten capitals, as people know them from other servers: 47 bits, which is enough among the devices of one person. */
function newDeviceId(random: Random): string {
  // 26 goes into 2^16 with a remainder of 16: no letter is more likely than another by more than one in 2,500.
  const bytes = random(20);
  let id = '';
  for (let at = 0; at < 20; at += 2) id += String.fromCharCode(65 + (bytes.readUInt16BE(at) % 26));
  return id;
}

function characters(text: string): string[] {
  return Array.from(text);
}
