import { cast, type Graph } from '../../src/graph/index.js';
import { changedInputs, inputSlot, outputName } from '../../src/graph/op-names.js';
import { definitionOf, storesNarrow, takesNarrow } from '../../src/graph/op-table.js';
import { rewrite } from '../../src/graph/passes/rewrite.js';

/** The graph with every float as bf16 that may be: the hardest case of mixed precision. Outputs leave as f32. */
export function allNarrow(graph: Graph): Graph {
  const narrow = rewrite(graph, ({ node, inputs, target }) => {
    const changed = changedInputs(node.op); // states are what they are
    const { moves } = definitionOf(node.op).precision ?? {};
    const fitting = inputs.map((input, index) => {
      if (changed.includes(index) || (input?.dtype !== 'f32' && input?.dtype !== 'bf16')) return input;
      return cast(input, takesNarrow(node.op, inputSlot(node.op, index).name) ? 'bf16' : 'f32');
    });
    return target.emitFlat(
      node.op,
      fitting,
      node.attributes,
      node.scope,
      {},
      (output) => node.outputs[output] !== null,
      (output) => !moves && storesNarrow(node.op, outputName(node.op, output)),
    ).outputs;
  });
  for (const [name, tensor] of narrow.outputs) {
    if (tensor.dtype === 'bf16') narrow.outputs.set(name, cast(tensor, 'f32'));
  }
  return narrow;
}
