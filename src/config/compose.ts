import { resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { Composed, type ComposedConfig } from './composed.js';
import { configError } from './config-error.js';
import { createDefaultsList, type DefaultsList, type ResultDefault } from './defaults/defaults-list.js';
import { Repository } from './defaults/repository.js';
import { builtInSource, type ConfigSource, folderSource } from './defaults/source.js';
import { HYDRA_CONFIGS } from './hydra-configs.js';
import { HYDRA_TYPE } from './hydra-node.js';
import { addHydraResolvers } from './hydra-resolvers.js';
import { builtInResolvers } from './interpolation/built-in-resolvers.js';
import { Resolution, type Resolver } from './interpolation/evaluate.js';
import {
  isHydraOverride,
  isSweepOverride,
  keyElement,
  type Override,
  parseOverride,
} from './override/parse.js';
import { isSweep, settledValue } from './override/value.js';
import { fromPlain, PyDict, type PyValue } from './python-value.js';
import { at } from './tree/at.js';
import { splitKey } from './tree/key-path.js';
import { assign, mergeInto, typedStruct } from './tree/merge.js';
import {
  type ConfigNode,
  createNode,
  DictNode,
  isContainer,
  ListNode,
  type Origin,
  originText,
  rawValue,
  ValueNode,
} from './tree/node.js';
import { deletePath, extendList, selectNode, updatePath } from './tree/update.js';
import { emitYaml } from './yaml/emit.js';

export type { ComposedConfig, ComposedTree, ValueOrigin, YamlOptions } from './composed.js';

export interface ComposeOptions {
  /** Folders with `.yaml` files, the main one first; the first that has a config wins. Relative to `cwd`. */
  configDirs: string[];
  /** Primary config without extension (`stage_1_pretrain`, `experiment/demo`), or null for none. */
  configName: string | null;
  /** Overrides as typed: `model.lr=1e-3`, `db=mysql`, `+x=1`, `~y`. */
  overrides?: string[];
  /** Becomes `hydra.job.name` unless a config or override sets it. */
  jobName?: string;
  /** `multirun` accepts sweeps (they are left out of the config) and leaves `group: ???` undecided. Default `run`. */
  mode?: 'run' | 'multirun';
  /** Directory that relative paths refer to. Default: the process's. */
  cwd?: string;
  /** Variables that `oc.env` and `hydra.job.env_copy` see. Default: none. */
  env?: Readonly<Record<string, string | undefined>>;
  /** More resolvers, by name: `run`, `seed`, … */
  resolvers?: ReadonlyMap<string, Resolver>;
  /** The moment `${now:…}` shows. Default: this one. */
  now?: Date;
  /** Values of the `hydra` node that come before all configs, e.g. other defaults of `hydra.run.dir`. */
  hydraDefaults?: Readonly<Record<string, unknown>>;
  /** Place in a sweep: `hydra.job.num` and `hydra.job.id`. */
  job?: { num: number; id: string };
  /** Version written to `hydra.runtime.version`. */
  version?: string;
  /** Gets notices that are no errors: a search path that does not exist, a deprecated key. */
  warn?: (message: string) => void;
}

/**
 * Composes a config as the reference does: defaults lists, packages, merge, overrides, the `hydra` node.
 *
 * Throws SluiceError with a `config.` code; `where` names the file:line:column or override, `hint` what to do.
 */
export function compose(options: ComposeOptions): ComposedConfig {
  try {
    return composeTree(options);
  } catch (error) {
    if (!(error instanceof SluiceError) || !WRAPPED.has(error.code)) throw error;
    throw configError('compose', error.message, { ...details(error), cause: error });
  }
}

/** Mistakes in values, found while files are read: to the caller the composition failed. */
const WRAPPED = new Set([
  'config.grammar',
  'config.key_type',
  'config.value_type',
  'config.interpolation',
  'config.interpolation_key',
  'config.interpolation_missing',
  'config.interpolation_resolver',
]);

function composeTree(options: ComposeOptions): ComposedConfig {
  const overrides = (options.overrides ?? []).map(parseOverride);
  const cwd = resolve(options.cwd ?? process.cwd());
  const warn = options.warn ?? (() => undefined);
  const multirun = options.mode === 'multirun';
  const repository = new Repository(standardSources(options.configDirs, cwd));
  const resolvers = allResolvers(options, warn);
  addSearchPath(repository, options, overrides, resolvers, cwd, warn);
  rejectSweeps(overrides, multirun);

  const list = createDefaultsList(repository, options.configName, overrides, multirun);
  const root = mergeDefaults(list.defaults, repository, options.hydraDefaults ?? {});
  addHydraResolvers(resolvers, root, overrides);
  for (const override of list.selection.valueOverrides) applyOverride(root, override, resolvers, repository);
  const declaredMode = at(root, 'hydra', 'mode');
  const mode = declaredMode === undefined ? null : rawValue(declaredMode);
  fillHydraNode(root, overrides, list, repository, options, cwd);
  return new Composed(root, resolvers, list, repository, overrides, mode);
}

function standardSources(configDirs: string[], cwd: string): ConfigSource[] {
  const sources = configDirs.map((folder, index) =>
    folderSource(index === 0 ? 'main' : 'command-line', folder, cwd),
  );
  const gone = sources.find(({ available }) => !available);
  if (gone !== undefined) {
    const what = gone === sources[0] ? 'Primary' : 'Additional';
    throw configError('missing', `${what} config directory not found: ${gone.url}`, {
      hint: 'check that the config directory exists and is readable',
    });
  }
  return [builtInSource('hydra', 'builtin://hydra', HYDRA_CONFIGS), ...sources];
}

function allResolvers(options: ComposeOptions, warn: (message: string) => void): Map<string, Resolver> {
  const resolvers = builtInResolvers(options.env ?? {}, options.now ?? new Date(), warn);
  for (const [name, resolver] of options.resolvers ?? []) resolvers.set(name, resolver);
  return resolvers;
}

/** Adds `hydra.searchpath` of the primary config, or of the command line instead, at the end of the search path. */
function addSearchPath(
  repository: Repository,
  options: ComposeOptions,
  overrides: Override[],
  resolvers: ReadonlyMap<string, Resolver>,
  cwd: string,
  warn: (message: string) => void,
): void {
  const primary = options.configName === null ? undefined : repository.load(options.configName)?.peek();
  if (primary instanceof ListNode) {
    throw configError(
      'compose',
      `primary config '${options.configName}' must be a DictConfig, got ListConfig`,
      {
        ...placeOf(primary),
      },
    );
  }
  const override = overrides.find((one) => keyElement(one) === 'hydra.searchpath');
  let provider = 'hydra.searchpath in command-line';
  let paths: PyValue | undefined =
    override === undefined || isSweep(override.value) ? null : settledValue(override.value);
  if (paths === null && primary !== undefined) {
    provider = 'hydra.searchpath in main';
    const resolution = new Resolution(resolvers);
    const found = selectNode(primary, 'hydra.searchpath', resolution);
    paths = isContainer(found) ? resolution.value(found) : found;
  }
  if (paths === undefined || paths === null) return;
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) {
    const shown = emitYaml(paths)
      .trim()
      .replace(/^- (.*)$/s, '[$1]');
    throw configError('compose', `hydra.searchpath must be a list of strings. Got: ${shown}`);
  }
  for (const path of paths as string[]) {
    const source = searchPathSource(provider, path, cwd);
    if (!source.available) warn(`provider=${provider}, path=${source.url} is not available.`);
    repository.sources.push(source);
  }
}

/** `file://` or a bare path is a folder, `pkg://hydra.conf` the built-in configs; other packages do not exist here. */
function searchPathSource(provider: string, path: string, cwd: string): ConfigSource {
  const [scheme, rest] = path.includes('://') ? splitOnce(path, '://') : ['file', path];
  if (scheme === 'file') return folderSource(provider, rest, cwd);
  if (scheme === 'pkg') {
    const known = rest === 'hydra.conf';
    return { ...builtInSource(provider, path, known ? HYDRA_CONFIGS : {}), available: known };
  }
  throw configError(
    'default',
    `No config source registered for schema ${scheme}, supported types : [file, pkg]`,
    {
      where: `hydra.searchpath: ${path}`,
    },
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return [text.slice(0, index), text.slice(index + separator.length)];
}

function rejectSweeps(overrides: Override[], multirun: boolean): void {
  for (const override of overrides) {
    if (!isSweepOverride(override)) continue;
    const where = `override ${override.input}`;
    if (multirun) {
      if (!isHydraOverride(override)) continue;
      throw configError(
        'compose',
        `Sweeping over Hydra's configuration is not supported : '${override.input}'`,
        { where },
      );
    }
    if (override.valueType !== 'simple_choice') {
      throw configError('compose', `Sweep parameters '${override.input}' requires --multirun`, { where });
    }
    throw configError(
      'compose',
      `Ambiguous value for argument '${override.input}'\n1. To use it as a list, use key=[value1,value2]\n` +
        "2. To use it as string, quote the value: key=\\'value1,value2\\'\n" +
        '3. To sweep over it, add --multirun to your command line',
      { where },
    );
  }
}

function mergeDefaults(
  defaults: ResultDefault[],
  repository: Repository,
  hydraDefaults: Readonly<Record<string, unknown>>,
): DictNode {
  const root = new DictNode(undefined);
  const hydra = typedStruct(new DictNode(undefined), HYDRA_TYPE, 'hydra');
  root.setEntry('hydra', hydra);
  for (const item of defaults) {
    const tree = embed(repository.load(item.configPath)!.tree(), item.package);
    const searchPath = tree instanceof DictNode ? at(tree, 'hydra', 'searchpath') : undefined;
    if (searchPath !== undefined && !item.primary && item.configPath !== 'hydra/config') {
      const message = `In '${item.configPath}': Overriding hydra.searchpath is only supported from the primary config`;
      throw configError('compose', message, placeOf(searchPath));
    }
    try {
      mergeInto(root, tree, 'file');
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const name = REFERENCE_NAMES[error.code] ?? 'ValidationError';
      const message = `In '${item.configPath}': ${name} raised while composing config:\n${error.message}`;
      throw new SluiceError('config.compose', message, { ...details(error), cause: error });
    }
    if (item.configPath === 'hydra/config')
      mergeInto(hydra, createNode(fromPlain(hydraDefaults)) as DictNode, 'file');
  }
  return root;
}

/** How the reference calls these failures; part of its message. */
const REFERENCE_NAMES: Record<string, string> = {
  'config.merge_type': 'ConfigTypeError',
  'config.struct_key': 'ConfigKeyError',
  'config.struct_attribute': 'ConfigAttributeError',
};

function embed(tree: DictNode | ListNode, pkg: string): DictNode | ListNode {
  let embedded: DictNode | ListNode = tree;
  if (pkg === '') return embedded;
  for (const key of splitKey(pkg).reverse()) {
    const outer: DictNode = new DictNode(tree.origin);
    outer.setEntry(key, embedded);
    embedded = outer;
  }
  return embedded;
}

function applyOverride(
  root: DictNode,
  override: Override,
  resolvers: ReadonlyMap<string, Resolver>,
  repository: Repository,
): void {
  const { key, input, type } = override;
  const where = `override ${input}`;
  const origin: Origin = { source: where };
  if (override.package !== undefined) {
    const message = `Override ${input} looks like a config group override, but config group '${key}' does not exist.`;
    throw configError('compose', message, { where });
  }
  const resolution = new Resolution(resolvers);
  try {
    if (type === 'delete') {
      deletePath(
        root,
        key,
        override.valueType === undefined ? undefined : settledValue(override.value),
        resolution,
        origin,
      );
      return;
    }
    const value = settledValue(override.value);
    if (type === 'extend') {
      extendList(root, key, value as PyValue[], resolution, origin);
      return;
    }
    const container = Array.isArray(value) || value instanceof PyDict;
    if (type === 'add' && !container && (selectNode(root, key, resolution) ?? null) !== null) {
      const message =
        `Could not append to config. An item is already at '${key}'.\nEither remove + prefix: '${input.slice(1)}'\n` +
        `Or add a second + to add or override '${key}': '+${input}'`;
      throw configError('compose', message, { where });
    }
    updatePath(root, key, value, type === 'change' ? 'struct' : 'open', resolution, origin);
  } catch (error) {
    throw overrideError(error, override, where, repository);
  }
}

function overrideError(
  error: unknown,
  { key, input }: Override,
  where: string,
  repository: Repository,
): unknown {
  if (!(error instanceof SluiceError)) return error;
  if (error.code === 'config.compose' || error.code === 'config.default') {
    return error.where === undefined
      ? new SluiceError(error.code, error.message, { ...details(error), where })
      : error;
  }
  if (error.code === 'config.struct_attribute' || error.code === 'config.struct_key') {
    const elsewhere = repository.choicesWith(key);
    const text = elsewhere.length === 0 ? error.hint : `${elsewhere.join(' or ')} has this key`;
    const hint = text === undefined ? {} : { hint: text };
    const message = `Could not override '${key}'.\n${error.message}.\nTo append to your config use +${input}`;
    return configError('compose', message, { where, ...hint, cause: error });
  }
  return configError('compose', `Error merging override ${input}\n${error.message}`, {
    ...details(error),
    where,
    cause: error,
  });
}

function fillHydraNode(
  root: DictNode,
  overrides: Override[],
  list: DefaultsList,
  repository: Repository,
  options: ComposeOptions,
  cwd: string,
): void {
  const hydra = root.get('hydra') as DictNode;
  const part = (name: string): DictNode => hydra.get(name) as DictNode;
  const set = (container: DictNode, key: string, value: PyValue): void =>
    assign(container, key, createNode(value), 'open');
  for (const override of overrides) {
    const target = part('overrides').get(isHydraOverride(override) ? 'hydra' : 'task') as ListNode;
    // Recorded, not checked: an override's text may hold a broken interpolation.
    target.append(new ValueNode(override.input));
  }
  const choices = part('runtime').get('choices') as DictNode;
  for (const [key, option] of list.selection.known) set(choices, key, option);
  const job = part('job');
  const copied = job.get('env_copy');
  for (const item of copied instanceof ListNode ? copied.items : []) {
    const name = String(rawValue(item));
    const value = options.env?.[name];
    if (value === undefined)
      throw configError('compose', `hydra.job.env_copy: the variable ${name} is not set`, placeOf(item));
    (job.get('env_set') as DictNode).setEntry(name, new ValueNode(value));
  }
  set(part('runtime'), 'version', options.version ?? '1.4.0');
  set(part('runtime'), 'version_base', '1.4');
  set(part('runtime'), 'cwd', cwd);
  set(part('runtime'), 'config_sources', repository.sources.map(sourceInfo));
  const name = job.get('name');
  if (name === undefined || rawValue(name) === '???') set(job, 'name', options.jobName ?? 'app');
  set(job, 'config_name', options.configName);
  if (options.job !== undefined) {
    set(job, 'num', options.job.num);
    set(job, 'id', options.job.id);
  }
  const mode = hydra.get('mode');
  if (mode === undefined || rawValue(mode) === null)
    set(hydra, 'mode', options.mode === 'multirun' ? 'MULTIRUN' : 'RUN');
}

function sourceInfo({ provider, url }: ConfigSource): PyDict {
  const [schema = '', path = ''] = url.split('://');
  return new PyDict([
    ['path', path],
    ['schema', schema],
    ['provider', provider],
  ]);
}

function placeOf(node: ConfigNode): { where?: string } {
  const where = originText(node.origin);
  return where === undefined ? {} : { where };
}

function details(error: SluiceError): { where?: string; hint?: string } {
  return {
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
