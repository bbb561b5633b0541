import { SluiceError } from '../errors.js';
import { configError } from './config-error.js';
import type { DefaultsList } from './defaults/defaults-list.js';
import type { Repository } from './defaults/repository.js';
import { childOf, Resolution, type Resolver } from './interpolation/evaluate.js';
import { history, placeText } from './origin.js';
import { isHydraOverride, type Override } from './override/parse.js';
import { PyDict, type PyValue, toPlain } from './python-value.js';
import { at } from './tree/at.js';
import { splitKey } from './tree/key-path.js';
import { assign } from './tree/merge.js';
import {
  type ConfigNode,
  copyNode,
  createNode,
  DictNode,
  isContainer,
  ListNode,
  rawValue,
  ValueNode,
} from './tree/node.js';
import { selectNode } from './tree/update.js';
import { emitYaml } from './yaml/emit.js';

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

/** A composed tree, as {@link ComposedConfig} shows it. */
export class Composed implements ComposedConfig {
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
    if (part === 'job' && !resolved && pkg === undefined) return emitYaml(rawTask(this.internal.root));
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

/** The task's config as text shows it; nothing in it looks beyond itself, so no copy is needed. */
function rawTask(root: DictNode): PyDict {
  const task = new PyDict();
  for (const [key, child] of root.entries) if (key !== 'hydra') task.set(key, rawValue(child));
  return task;
}

function withoutHydra(root: DictNode): DictNode {
  const task = new DictNode(root.origin);
  for (const [key, child] of root.entries) if (key !== 'hydra') task.setEntry(key, copyNode(child));
  return task;
}
