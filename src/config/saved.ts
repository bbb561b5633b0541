import type { ComposeOptions } from './compose.js';
import { Composed, type ComposedConfig } from './composed.js';
import { configError } from './config-error.js';
import { Repository } from './defaults/repository.js';
import { Selection } from './defaults/selection.js';
import { addHydraResolvers } from './hydra-resolvers.js';
import { builtInResolvers } from './interpolation/built-in-resolvers.js';
import { parseOverride } from './override/parse.js';
import { at } from './tree/at.js';
import { DictNode, type ListNode, rawValue, ValueNode } from './tree/node.js';
import { loadYaml } from './yaml/construct.js';

/** The files that a job leaves in `.hydra/`. */
export interface SavedFiles {
  config: SavedFile;
  hydra: SavedFile;
}

export interface SavedFile {
  text: string;
  /** For messages. */
  name: string;
}

/**
 * The config that a job saved, as it was composed then: no config file is read, no override applied. Interpolations are
 * as they were written, and so resolve to what they mean now.
 */
export function composeSaved(
  { config, hydra }: SavedFiles,
  options: Pick<ComposeOptions, 'env' | 'resolvers' | 'now' | 'warn'>,
): ComposedConfig {
  const root = loadYaml(config.text, config.name);
  const saved = loadYaml(hydra.text, hydra.name);
  const node = saved instanceof DictNode ? saved.get('hydra') : undefined;
  if (!(root instanceof DictNode)) throw notSaved(config);
  if (!(node instanceof DictNode) || !(at(node, 'job') instanceof DictNode)) throw notSaved(hydra);
  root.setEntry('hydra', node);

  const texts = ['hydra', 'task'].flatMap((kind) => listOf(at(node, 'overrides', kind)));
  const overrides = texts.map((text) => parseOverride(text));
  const resolvers = builtInResolvers(
    options.env ?? {},
    options.now ?? new Date(),
    options.warn ?? (() => {}),
  );
  for (const [name, resolver] of options.resolvers ?? []) resolvers.set(name, resolver);
  addHydraResolvers(resolvers, root, overrides);

  const repository = new Repository([]);
  const selection = new Selection(repository, []);
  const choices = at(node, 'runtime', 'choices');
  for (const [key, option] of choices instanceof DictNode ? choices.entries : [])
    selection.known.set(String(key), option instanceof ValueNode ? (option.value as string | null) : null);
  const tree = { entry: undefined, parent: undefined, children: [] };
  const mode = at(node, 'mode');
  return new Composed(
    root,
    resolvers,
    { defaults: [], tree, selection },
    repository,
    overrides,
    mode === undefined ? null : rawValue(mode),
  );
}

const listOf = (node: unknown): string[] => {
  const items = (node as ListNode | undefined)?.items ?? [];
  return items.map((item) => String(rawValue(item)));
};

const notSaved = ({ name }: SavedFile) =>
  configError('compose', 'not a config that a run has saved', { where: name });
