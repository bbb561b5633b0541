import { DictNode } from '../tree/node.js';
import type { Repository } from './repository.js';

/**
 * The choices of a group that have a key which the chosen one lacks: `hydra.launcher.n_jobs` -> `hydra/launcher=local`.
 * For messages: options that cannot be read are passed over.
 */
export function optionsWithKey(repository: Repository, key: string): string[] {
  const parts = key.split('.');
  for (let length = parts.length - 1; length > 0; length--) {
    const group = parts.slice(0, length).join('/');
    if (!repository.isGroup(group)) continue;
    const wanted = parts[length]!;
    const has = (option: string) => {
      try {
        const tree = repository.load(`${group}/${option}`)?.peek();
        return tree instanceof DictNode && tree.get(wanted) !== undefined;
      } catch {
        return false;
      }
    };
    return repository
      .options(group)
      .filter(has)
      .map((option) => `${group}=${option}`);
  }
  return [];
}
