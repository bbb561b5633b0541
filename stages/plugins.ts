/**
 * What this project adds to what configs can name. Each entry is the name for `_target_`, the function that makes the
 * thing, loaded when it is wanted, and the options it takes as JSON Schemas:
 *
 *     selectors: {
 *       longest: {
 *         load: async () => (await import('./plugins/longest.js')).longest,
 *         options: { percentage: { type: 'number', exclusiveMinimum: 0, maximum: 1 } },
 *         required: ['percentage'],
 *       },
 *     },
 *
 * docs/adding-a-plugin.md goes through one of each kind.
 */
import type { Plugins } from './registries.js';

export const plugins: Plugins = {};
