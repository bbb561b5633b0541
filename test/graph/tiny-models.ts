import {
  adamw,
  add,
  attention,
  concat,
  embedding,
  Graph,
  gradients,
  groupedMatmul,
  linearCrossEntropy,
  matmul,
  mean,
  minimum,
  moeCombine,
  moeDispatch,
  moeGather,
  mul,
  reciprocal,
  reshape,
  rmsNorm,
  rope,
  sigmoid,
  siluMul,
  slice,
  softmax,
  sqrt,
  sumSquares,
  type Tensor,
  topk,
} from '../../src/graph/index.js';

/** Sizes of the tiny decoder used to test the compiler. */
export const tiny = {
  batch: 2,
  length: 6,
  vocabulary: 23,
  width: 8,
  heads: 4,
  groups: 2,
  inner: 12,
  experts: 3,
};

interface Step {
  graph: Graph;
  loss: Tensor;
  parameters: Map<string, Tensor>;
}

/** A decoder of `layers` layers, the odd ones with a gated mixture of experts; its head is tied to its embedding. */
export function tinyDecoder(layers: number): Step {
  const graph = new Graph();
  const parameters = new Map<string, Tensor>();
  const parameter = (name: string, shape: readonly number[]) => {
    const tensor = graph.state(name, 'f32', shape);
    parameters.set(name, tensor);
    return tensor;
  };
  const { batch, length, vocabulary, width } = tiny;
  const token = (name: string) => graph.input(name, 'i32', [batch, length]);
  const context = { graph, parameter, segments: token('segment_ids'), positions: token('positions') };
  const table = parameter('embed_tokens.weight', [vocabulary, width]);
  let x = embedding(table, token('input_ids'));
  for (let layer = 0; layer < layers; layer++) {
    x = graph.scope(`layers.${layer}`, () => decoderLayer(context, x, layer));
  }
  x = rmsNorm(x, parameter('norm.weight', [width]), { eps: 1e-5 });
  const loss = mean(linearCrossEntropy(x, table, token('labels')).loss);
  return { graph, loss, parameters };
}

/** The decoder's training step: loss, gradients, clipping by the global norm if asked for, AdamW. */
export function tinyTrainStep(options: {
  layers: number;
  clip: boolean;
  trained?: (name: string) => boolean;
}): Step {
  const step = tinyDecoder(options.layers);
  const { graph, loss, parameters } = step;
  graph.output('loss', loss);
  const trained = [...parameters].filter(([name]) => options.trained?.(name) ?? true);
  const grads = gradients(
    loss,
    trained.map(([, tensor]) => tensor),
  ) as [Tensor, ...Tensor[]];
  let scalars = graph.input('scalars', 'f32', [3]);
  if (options.clip) {
    const norm = sqrt(sumSquares(grads));
    graph.output('gradient_norm', norm);
    scalars = concat([slice(scalars, 0, 0, 2), minimum(reciprocal(norm), 1)], 0);
  }
  trained.forEach(([name, tensor], index) => {
    const moment = (kind: string) => graph.state(`${kind}.${name}`, 'f32', tensor.shape);
    adamw(tensor, grads[index]!, moment('m'), moment('v'), scalars, {
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-8,
      weightDecay: 0.1,
    });
  });
  return step;
}

interface Context {
  graph: Graph;
  parameter(name: string, shape: readonly number[]): Tensor;
  segments: Tensor;
  positions: Tensor;
}

function decoderLayer(context: Context, x: Tensor, layer: number): Tensor {
  const { graph, parameter } = context;
  const { batch, length, width, heads, groups, inner } = tiny;
  const size = width / heads;
  const linear = (from: Tensor, name: string, outputs: number, inputs = width) =>
    graph.scope(name, () => matmul(from, parameter(`${layer}.${name}`, [outputs, inputs]), { transB: true }));
  const h = rmsNorm(x, parameter(`${layer}.input_norm`, [width]), { eps: 1e-5 });
  const split = (name: string, count: number) =>
    reshape(linear(h, name, count * size), [batch, length, count, size]);
  const turned = (tensor: Tensor) => rope(tensor, context.positions, graph.constant([1]));
  const mixed = attention(
    turned(split('q_proj', heads)),
    turned(split('k_proj', groups)),
    split('v_proj', groups),
    {
      qSegments: context.segments,
      kSegments: context.segments,
      scale: size ** -0.5,
      causal: true,
    },
  );
  const y = add(x, linear(reshape(mixed, [batch, length, width]), 'o_proj', width));
  const normed = rmsNorm(y, parameter(`${layer}.post_norm`, [width]), { eps: 1e-5 });
  if (layer % 2 === 1) return add(y, gatedExperts(context, normed, layer));
  const hidden = siluMul(linear(normed, 'gate_proj', inner), linear(normed, 'up_proj', inner));
  return add(y, linear(hidden, 'down_proj', width, inner));
}

/** sigmoid(score) * mixture of the two best experts. */
function gatedExperts({ graph, parameter }: Context, h: Tensor, layer: number): Tensor {
  const { width, inner, experts } = tiny;
  const rows = reshape(h, [-1, width]);
  const weights = (name: string, outputs: number, inputs: number) =>
    parameter(`${layer}.experts.${name}`, [experts, outputs, inputs]);
  const probabilities = softmax(matmul(rows, parameter(`${layer}.gate`, [experts, width]), { transB: true }));
  const { values, indices } = topk(probabilities, 2);
  const { order, inverse, offsets } = moeDispatch(indices, experts);
  const gathered = moeGather(rows, order, inverse, 2);
  const grouped = (x: Tensor, name: string, outputs: number, inputs: number) =>
    graph.scope(name, () => groupedMatmul(x, weights(name, outputs, inputs), offsets, { transB: true }));
  const hidden = siluMul(
    grouped(gathered, 'gate_proj', inner, width),
    grouped(gathered, 'up_proj', inner, width),
  );
  const combined = moeCombine(grouped(hidden, 'down_proj', width, inner), inverse, values, order);
  const quality = sigmoid(matmul(rows, parameter(`${layer}.quality_gate`, [1, width]), { transB: true }));
  return reshape(mul(combined, quality), h.shape);
}
