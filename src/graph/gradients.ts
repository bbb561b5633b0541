import { SluiceError } from '../errors.js';
import { changedInputs, inputSlot, nameInputs, nameOutputs } from './op-names.js';
import { definitionOf } from './op-table.js';
import { add } from './ops/arithmetic.js';
import { full } from './ops/shape.js';
import { gradientScope } from './scope.js';
import { elementCount } from './shape.js';
import type { GraphNode, Tensor } from './tensor.js';

/**
 * Adds to the graph of `loss` (f32, one element) the ops of d loss / d tensor for each of `tensors`, by reverse-mode
 * differentiation. An entry is null where the loss does not depend on that tensor. Nothing is added for what lies
 * on no path between the two. Throws `graph.gradient` where a path cannot be differentiated.
 */
export function gradients(loss: Tensor, tensors: readonly Tensor[]): (Tensor | null)[] {
  const { graph } = loss;
  if (loss.dtype !== 'f32' || elementCount(loss.shape) !== 1) {
    throw new SluiceError('graph.gradient', `a loss is one f32, not ${loss}`, {
      hint: 'take its sum or mean',
    });
  }
  const nodes = [...graph.nodes];
  const depends = dependents(nodes, tensors);
  const sums = new Map<Tensor, Tensor>();
  if (depends.has(loss)) {
    sums.set(
      loss,
      graph.scopedAs(gradientScope(loss.scope), () => full(graph, loss.shape, 1)),
    );
  }
  const changed = new Set<Tensor>();
  for (const node of nodes.reverse()) {
    for (const index of changedInputs(node.op)) changed.add(node.inputs[index]!);
    if (node.outputs.some((output) => output && sums.has(output))) {
      graph.scopedAs(gradientScope(node.scope), () => differentiate(node, depends, changed, sums));
    }
  }
  return tensors.map((tensor) => sums.get(tensor) ?? null);
}

/** Float tensors through which a change of `tensors` reaches the rest of the graph. */
function dependents(nodes: readonly GraphNode[], tensors: readonly Tensor[]): Set<Tensor> {
  const depends = new Set(tensors.filter((tensor) => tensor.dtype !== 'i32'));
  for (const node of nodes) {
    if (definitionOf(node.op).gradient === 'none') continue;
    if (!node.inputs.some((input) => input && depends.has(input))) continue;
    for (const output of node.outputs) {
      if (output && output.dtype !== 'i32') depends.add(output);
    }
  }
  return depends;
}

/** Adds one node's share to the sums of its inputs. */
function differentiate(
  node: GraphNode,
  depends: ReadonlySet<Tensor>,
  changed: ReadonlySet<Tensor>,
  sums: Map<Tensor, Tensor>,
): void {
  const wanted = node.inputs.flatMap((input, index) =>
    input && depends.has(input) ? [{ input, index }] : [],
  );
  if (wanted.length === 0) return;
  const fail = (reason: string): never => {
    const place = node.scope ? `${node.scope}: ` : '';
    throw new SluiceError('graph.gradient', `${place}${node.op}: ${reason}`, {
      where: node.scope || undefined,
    });
  };
  const { gradient } = definitionOf(node.op);
  const rule = gradient === undefined || gradient === 'none' ? fail('it cannot be differentiated') : gradient;
  const stale = node.inputs.find((input) => input && changed.has(input));
  if (stale?.source.kind === 'state')
    fail(`state ${stale.source.name} is changed before its gradient is taken`);

  const rules = rule({
    graph: wanted[0]!.input.graph,
    inputs: nameInputs(node.op, node.inputs),
    outputs: nameOutputs(node.op, node.outputs),
    grads: nameOutputs(
      node.op,
      node.outputs.map((output) => (output && sums.get(output)) ?? null),
    ),
    attributes: node.attributes,
    saved: node.saved,
    fail,
  });
  for (const { input, index } of wanted) {
    const { name, element } = inputSlot(node.op, index);
    const share = rules[name]?.(element) ?? null;
    if (!share) continue;
    const sum = sums.get(input);
    sums.set(input, sum ? add(sum, share) : share);
  }
}
