import { Resolution, type Resolver } from './interpolation/evaluate.js';
import type { Override } from './override/parse.js';
import { overrideDirname } from './override-dirname.js';
import { PyDict, type PyValue } from './python-value.js';
import { at } from './tree/at.js';
import { type ContainerNode, type DictNode, isContainer, rawValue } from './tree/node.js';
import { selectNode } from './tree/update.js';

/** `${hydra:…}`, and what `hydra.job.override_dirname` is made with, for the tree they look into. */
export function addHydraResolvers(
  resolvers: Map<string, Resolver>,
  root: DictNode,
  overrides: Override[],
): void {
  resolvers.set('hydra', (args) => {
    const path = args[0];
    const found =
      typeof path === 'string' ? selectNode(root, `hydra.${path}`, new Resolution(resolvers)) : undefined;
    return found ?? null;
  });
  resolvers.set('hydra_override_dirname', (args) =>
    overrideDirname(overrides, plainArgument(args[0]) ?? dirnameSettings(root, resolvers)),
  );
}

function dirnameSettings(root: DictNode, resolvers: ReadonlyMap<string, Resolver>): PyValue {
  const settings = at(root, 'hydra', 'job', 'config', 'override_dirname');
  return settings === undefined ? new PyDict() : new Resolution(resolvers).value(settings);
}

function plainArgument(value: PyValue | ContainerNode | undefined): PyValue | undefined {
  return isContainer(value) ? rawValue(value) : value;
}
