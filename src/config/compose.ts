import { resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { configError } from './config-error.js';
import { createDefaultsList, type DefaultsList, type ResultDefault } from './defaults/defaults-list.js';
import { Repository } from './defaults/repository.js';
import { type ConfigSource, folderSource, memorySource } from './defaults/source.js';
import { HYDRA_FILES, HYDRA_TYPE } from './hydra-node.js';
import { builtInResolvers } from './interpolation/built-in-resolvers.js';
import { childOf, Resolution, type Resolver } from './interpolation/evaluate.js';
import { history, placeText } from './origin.js';
import {
  isHydraOverride,
  isSweepOverride,
  keyElement,
  type Override,
  parseOverride,
} from './override/parse.js';
import { isSweep, settledValue } from './override/value.js';
import { overrideDirname } from './override-dirname.js';
import { fromPlain, PyDict, type PyValue, toPlain } from './python-value.js';
import { splitKey } from './tree/key-path.js';
import { assign, mergeInto, typedStruct } from './tree/merge.js';
import {
  type ConfigNode,
  type ContainerNode,
  copyNode,
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

/** What a place in the config knows about where its value came from. */
export interface ValueOrigin {
  /** `configs/stage_1.yaml:12:5` or `override training.lr=x`. */
  where: string;
  /** What it replaced, newest first, with the values as YAML text. */
  replaced: { where: string; value: string }[];
}

export interface YamlOptions {
  /** `hydra` leaves the texts of `--help` out, as the reference does. Default `job`. */
  part?: 'job' | 'hydra' | 'all';
  resolve?: boolean;
  /** Only what is there. */
  package?: string;
}

export interface ComposedConfig {
  /** The task's config: plain data, interpolations resolved, without the `hydra` node. Computed at the first call. */
  config(): Record<string, unknown>;
  /** The same before interpolations are resolved. */
  unresolved(): Record<string, unknown>;
  /** The `hydra` node with interpolations resolved where they can be (`hydra.runtime.output_dir` cannot yet). */
  hydra(): Record<string, unknown>;
  /** One resolved value of the whole config: `hydra.run.dir`, `training.lr`. Undefined when there is none. */
  value(path: string): unknown;
  /** YAML text as `--cfg` prints it. */
  yaml(options?: YamlOptions): string;
  /** The whole `hydra` node as written: what a run folder keeps as `hydra.yaml`. */
  hydraYaml(): string;
  /**
   * Notes what is known once a job is to run: `hydra.runtime.output_dir` and, as the reference does, the mode among
   * the overrides where nothing set it. Later calls move the job to another folder.
   */
  beginJob(outputDirectory: string): void;
  /** `hydra.mode` where a config or an override sets it. */
  readonly declaredMode: 'RUN' | 'MULTIRUN' | undefined;
  /** Option per group: `{model: 'tiny'}`, without the groups of `hydra/`. Null for a group set to null. */
  choices: Record<string, string | null>;
  /** Where the value at a path (`training.lr`, `steps[0].stage`) came from; undefined when there is no such path. */
  origin(path: string): ValueOrigin | undefined;
  /** The overrides as given, the ones of `hydra.` apart. */
  overrides: { task: string[]; hydra: string[] };
  /** For the other parts of this room. */
  readonly internal: ComposedTree;
}

export interface ComposedTree {
  root: DictNode;
  /** The root as tasks see it: a copy without the `hydra` node. */
  task(): DictNode;
  resolvers: ReadonlyMap<string, Resolver>;
  defaultsList: DefaultsList;
  repository: Repository;
  parsedOverrides: Override[];
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
  resolvers.set('hydra', (args) => {
    const path = args[0];
    const found =
      typeof path === 'string' ? selectNode(root, `hydra.${path}`, new Resolution(resolvers)) : undefined;
    return found ?? null;
  });
  resolvers.set('hydra_override_dirname', (args) =>
    overrideDirname(overrides, plainArgument(args[0]) ?? dirnameSettings(root, resolvers)),
  );
  for (const override of list.selection.valueOverrides) applyOverride(root, override, resolvers);
  const declaredMode = at(root, 'hydra', 'mode');
  const mode = declaredMode === undefined ? null : rawValue(declaredMode);
  fillHydraNode(root, overrides, list, repository, options, cwd);
  return new Composed(root, resolvers, list, repository, overrides, mode);
}

class Composed implements ComposedConfig {
  readonly choices: Record<string, string | null> = {};
  readonly overrides: { task: string[]; hydra: string[] };
  readonly internal: ComposedTree;
  readonly declaredMode: 'RUN' | 'MULTIRUN' | undefined;
  private outputDirectory: string | undefined;
  private plainConfig: Record<string, unknown> | undefined;

  constructor(
    root: DictNode,
    resolvers: ReadonlyMap<string, Resolver>,
    defaultsList: DefaultsList,
    repository: Repository,
    parsedOverrides: Override[],
    mode: PyValue,
  ) {
    this.declaredMode = mode === 'RUN' || mode === 'MULTIRUN' ? mode : undefined;
    let task: DictNode | undefined;
    this.internal = {
      root,
      resolvers,
      defaultsList,
      repository,
      parsedOverrides,
      task: () => {
        task ??= withoutHydra(root);
        return task;
      },
    };
    for (const [key, option] of defaultsList.selection.known) {
      if (!key.startsWith('hydra/')) this.choices[key] = option;
    }
    const inputs = (hydra: boolean) =>
      parsedOverrides.filter((override) => isHydraOverride(override) === hydra).map(({ input }) => input);
    this.overrides = { task: inputs(false), hydra: inputs(true) };
  }

  config(): Record<string, unknown> {
    this.plainConfig ??= toPlain(this.resolution().value(this.internal.task())) as Record<string, unknown>;
    return this.plainConfig;
  }

  unresolved(): Record<string, unknown> {
    return toPlain(rawValue(this.internal.task())) as Record<string, unknown>;
  }

  hydra(): Record<string, unknown> {
    const node = this.internal.root.get('hydra');
    return node === undefined
      ? {}
      : (toPlain(lenientValue(node, this.resolution())) as Record<string, unknown>);
  }

  value(path: string): unknown {
    const resolution = this.resolution();
    const found = selectNode(this.internal.root, path, resolution);
    if (found === undefined) return undefined;
    return toPlain(isContainer(found) ? resolution.value(found) : found);
  }

  yaml(options: YamlOptions = {}): string {
    const { part = 'job', resolve: resolved = false, package: pkg } = options;
    const resolution = this.resolution();
    const shown = (node: ConfigNode): PyValue => (resolved ? resolution.value(node) : rawValue(node));
    const root = part === 'job' ? this.internal.task() : this.internal.root;
    const hydra = part === 'hydra' ? this.internal.root.get('hydra') : undefined;
    const base: PyValue =
      hydra === undefined
        ? shown(root)
        : new PyDict([['hydra', withoutHelp(hydraValue(hydra, resolved, resolution))]]);
    if (pkg === undefined || pkg === '' || pkg === '_global_') return emitYaml(base);
    const found = selectNode(part === 'hydra' ? this.internal.root : root, pkg, resolution);
    if (found === undefined)
      throw configError('compose', `there is no '${pkg}' in the config`, { where: `--package ${pkg}` });
    const header = `# @package ${pkg}\n`;
    return header + (isContainer(found) ? emitYaml(shown(found)) : emitYaml(found));
  }

  hydraYaml(): string {
    const node = this.internal.root.get('hydra');
    return emitYaml(new PyDict(node === undefined ? [] : [['hydra', rawValue(node)]]));
  }

  beginJob(outputDirectory: string): void {
    if (outputDirectory === this.outputDirectory) return;
    const { root } = this.internal;
    const runtime = at(root, 'hydra', 'runtime');
    if (runtime instanceof DictNode) assign(runtime, 'output_dir', createNode(outputDirectory), 'open');
    const recorded = at(root, 'hydra', 'overrides', 'hydra');
    if (this.declaredMode === undefined && recorded instanceof ListNode && !this.outputDirectory)
      recorded.append(new ValueNode(`hydra.mode=${rawValue(at(root, 'hydra', 'mode')!)}`));
    this.outputDirectory = outputDirectory;
    this.plainConfig = undefined;
  }

  origin(path: string): ValueOrigin | undefined {
    let node: ConfigNode | undefined = this.internal.root;
    for (const key of splitKey(path)) {
      if (!isContainer(node)) return undefined;
      node = node instanceof ListNode && !/^-?\d+$/.test(key) ? undefined : childOf(node, key);
    }
    if (node === undefined) return undefined;
    return { where: placeText(node), replaced: history(node) };
  }

  private resolution(): Resolution {
    return new Resolution(this.internal.resolvers);
  }
}

function hydraValue(node: ConfigNode, resolved: boolean, resolution: Resolution): PyValue {
  return resolved ? lenientValue(node, resolution) : rawValue(node);
}

function withoutHelp(hydra: PyValue): PyValue {
  if (!(hydra instanceof PyDict)) return hydra;
  return new PyDict([...hydra].filter(([key]) => key !== 'help' && key !== 'hydra_help'));
}

/** Resolved values, with what cannot be resolved left as text. */
function lenientValue(node: ConfigNode, resolution: Resolution): PyValue {
  if (node instanceof ListNode) return node.items.map((item) => lenientValue(item, resolution));
  if (node instanceof DictNode) {
    return new PyDict(
      Array.from(node.entries, ([key, child]) => [key, lenientValue(child, resolution)] as const),
    );
  }
  try {
    return resolution.value(node);
  } catch (error) {
    if (error instanceof SluiceError) return node.value;
    throw error;
  }
}

function withoutHydra(root: DictNode): DictNode {
  const task = new DictNode(root.origin);
  for (const [key, child] of root.entries) if (key !== 'hydra') task.setEntry(key, copyNode(child));
  return task;
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
  return [memorySource('hydra', 'builtin://hydra', HYDRA_FILES), ...sources];
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
    return { ...memorySource(provider, path, known ? HYDRA_FILES : {}), available: known };
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

function at(tree: DictNode, ...keys: string[]): ConfigNode | undefined {
  let node: ConfigNode | undefined = tree;
  for (const key of keys) node = node instanceof DictNode ? node.get(key) : undefined;
  return node;
}

function applyOverride(root: DictNode, override: Override, resolvers: ReadonlyMap<string, Resolver>): void {
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
    throw overrideError(error, override, where);
  }
}

function overrideError(error: unknown, { key, input }: Override, where: string): unknown {
  if (!(error instanceof SluiceError)) return error;
  if (error.code === 'config.compose' || error.code === 'config.default') {
    return error.where === undefined
      ? new SluiceError(error.code, error.message, { ...details(error), where })
      : error;
  }
  if (error.code === 'config.struct_attribute' || error.code === 'config.struct_key') {
    const hint = error.hint === undefined ? {} : { hint: error.hint };
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

function dirnameSettings(root: DictNode, resolvers: ReadonlyMap<string, Resolver>): PyValue {
  const settings = at(root, 'hydra', 'job', 'config', 'override_dirname');
  return settings === undefined ? new PyDict() : new Resolution(resolvers).value(settings);
}

function plainArgument(value: PyValue | ContainerNode | undefined): PyValue | undefined {
  return isContainer(value) ? rawValue(value) : value;
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
