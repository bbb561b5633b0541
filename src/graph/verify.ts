import { SluiceError } from '../errors.js';
import type { Graph } from './graph.js';
import type { TensorType } from './op-definition.js';
import { changedInputs, flattenOutputs, isOptionalOutput, nameInputs, outputName } from './op-names.js';
import { inferOutputs, storesNarrow } from './op-table.js';
import { sameShape } from './shape.js';
import type { GraphNode, Tensor } from './tensor.js';

/**
 * Checks what every pass must keep: each op's inputs are made before it and belong to the graph, output types are what
 * the op's rule gives, only states are changed. Throws `graph.broken` naming the pass and the op.
 */
export function verify(graph: Graph, after: string): void {
  const known = new Set<Tensor>([...graph.inputs.values(), ...graph.states.values()]);
  const isKnown = (tensor: Tensor) =>
    tensor.graph === graph && (known.has(tensor) || tensor.source.kind === 'const');
  for (const node of graph.nodes) {
    const broken = (reason: string): never => {
      throw new SluiceError('graph.broken', `after ${after}: ${node.scope}: ${node.op}: ${reason}`);
    };
    if (!node.inputs.every((input) => input === null || isKnown(input)))
      broken('an input is not made before it');
    if (!changedInputs(node.op).every((index) => node.inputs[index]?.source.kind === 'state')) {
      broken('it changes something that is not a state');
    }
    checkOutputs(node, broken);
    for (const output of node.outputs) if (output) known.add(output);
  }
  for (const [name, tensor] of graph.outputs) {
    if (!isKnown(tensor))
      throw new SluiceError('graph.broken', `after ${after}: output ${name} is never made`);
  }
}

function checkOutputs(node: GraphNode, broken: (reason: string) => never): void {
  const types = inferOutputs(node.op, nameInputs(node.op, node.inputs), node.attributes, node.scope);
  flattenOutputs(node.op, types).forEach((type, index) => {
    const output = node.outputs[index] ?? null;
    if (output === null) {
      if (type !== null && !isOptionalOutput(node.op, index)) broken(`output ${index} is missing`);
    } else if (type === null || !mayBe(output, type, node, index) || !sameShape(type.shape, output.shape)) {
      broken(`output ${index} is ${output}`);
    }
  });
}

/** An output has the dtype of its rule, or is a float that the op may store narrow. */
function mayBe(output: Tensor, type: TensorType, node: GraphNode, index: number): boolean {
  if (output.dtype === type.dtype) return true;
  return type.dtype === 'f32' && output.dtype === 'bf16' && storesNarrow(node.op, outputName(node.op, index));
}

/** The changes of state in order, to see that a pass kept them all and each state's in order. */
export function effectOrder(graph: Graph): string {
  const perState = new Map<string, string[]>();
  for (const node of graph.nodes) {
    for (const index of changedInputs(node.op)) {
      const { source } = node.inputs[index]!;
      if (source.kind !== 'state') continue;
      const effect = node.op.startsWith('accumulate_') ? 'accumulate' : node.op; // fused with what made the term
      perState.set(source.name, [...(perState.get(source.name) ?? []), effect]);
    }
  }
  return [...perState]
    .map(([name, ops]) => `${name}: ${ops.join(' ')}`)
    .sort()
    .join('\n');
}
