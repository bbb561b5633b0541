import type { Graph } from '../graph.js';
import { changedInputs, hasTrait } from '../op-names.js';
import { stateBehind } from '../storage.js';
import type { Tensor } from '../tensor.js';
import { rewrite } from './rewrite.js';

/** Computes the same op on the same inputs once. A state counts as another input after each of its changes. */
export function shareCommon(graph: Graph): Graph {
  const known = new Map<string, readonly (Tensor | null)[]>();
  const versions = new Map<Tensor, number>();
  const inputKey = (input: Tensor | null) => {
    if (!input) return '_';
    if (input.source.kind === 'const') return `${input}(${input.source.values})`;
    const state = stateBehind(input);
    return state ? `${input.id}v${versions.get(state) ?? 0}` : `${input.id}`;
  };
  return rewrite(graph, ({ node, inputs, copy }) => {
    if (hasTrait(node.op, 'effect')) {
      for (const index of changedInputs(node.op)) {
        versions.set(inputs[index]!, (versions.get(inputs[index]!) ?? 0) + 1);
      }
      return copy();
    }
    const present = node.outputs.map((output) => output?.dtype ?? 0);
    const key = `${node.op} ${inputs.map(inputKey).join(' ')} ${JSON.stringify(node.attributes)} ${present}`;
    const before = known.get(key);
    if (before) return before;
    const made = copy();
    known.set(key, made);
    return made;
  });
}
