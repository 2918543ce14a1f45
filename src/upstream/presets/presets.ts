import { generic } from './generic.ts';
import type { Preset } from './preset.ts';

const all: readonly Preset[] = [generic];

/** Every preset by name. */
export const presets: ReadonlyMap<string, Preset> = new Map(all.map((preset) => [preset.name, preset]));

/** The names that `providers[].preset` takes. */
export const presetNames: readonly string[] = all.map((preset) => preset.name);
