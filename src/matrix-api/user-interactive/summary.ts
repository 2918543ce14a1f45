/** What is about to be done, as data: the page that asks the person puts it into words. */
import type { WhatIsAsked } from '../../storage/records/user-interactive.ts';
import type { JsonText } from '../../storage/schema.ts';

/** How many devices are named at most. */
const LISTED = 30;

/** A summary of signing out any number of devices. */
export function summariseSignOut(devices: WhatIsAsked['devices']): WhatIsAsked {
  return {
    kind: 'sign_out_devices',
    devices: devices.slice(0, LISTED),
    more: Math.max(0, devices.length - LISTED),
  };
}

/** As it is stored. */
export function writeSummary(summary: WhatIsAsked): JsonText<WhatIsAsked> {
  return JSON.stringify(summary);
}

/** As it was stored. */
export function readSummary(text: JsonText<WhatIsAsked>): WhatIsAsked {
  return JSON.parse(text) as WhatIsAsked;
}
