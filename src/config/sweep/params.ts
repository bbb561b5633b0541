import type { ComposedConfig } from '../compose.js';
import { configError } from '../config-error.js';
import { Resolution } from '../interpolation/evaluate.js';
import { pyStr } from '../python-text.js';
import { keyText, PyDict, type PyValue } from '../python-value.js';
import { isContainer } from '../tree/node.js';
import { selectNode } from '../tree/update.js';

/** `hydra.sweeper.params` as overrides: `{lr: '1e-3,1e-4'}` is `lr=1e-3,1e-4`. They come before those of the command line. */
export function sweeperParams(master: ComposedConfig): string[] {
  const { root, resolvers } = master.internal;
  const resolution = new Resolution(resolvers);
  const found = selectNode(root, 'hydra.sweeper.params', resolution);
  if (found === undefined || found === null) return [];
  const params = isContainer(found) ? resolution.value(found) : found;
  if (!(params instanceof PyDict)) throw wrong(master, '', 'is a mapping of keys to sweeps', params);
  return Array.from(params, ([key, value]) => {
    const name = keyText(key);
    if (value === null || typeof value === 'object') {
      if (value === null || Array.isArray(value) || value instanceof PyDict) {
        throw wrong(master, `.${name}`, 'is the text of a sweep or value', value);
      }
    }
    return `${name}=${pyStr(value)}`;
  });
}

function wrong(master: ComposedConfig, key: string, expected: string, value: PyValue): Error {
  const path = `hydra.sweeper.params${key}`;
  const got =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : value instanceof PyDict
          ? 'a mapping'
          : pyStr(value);
  return configError('compose', `${path} ${expected}, got ${got}`, {
    where: master.origin(path)?.where ?? path,
    hint: "write it as in an override: '1,2' for two jobs, '[1,2]' for one job with a list, 'null' for null",
  });
}
