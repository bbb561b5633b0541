import { SluiceError } from '../errors.js';
import {
  accumulate,
  add,
  affine,
  clamp,
  compile,
  concat,
  fill,
  full,
  Graph,
  gradients,
  type Program,
  type RecomputeMode,
  type RecomputeOptions,
  reciprocal,
  sqrt,
  sub,
  sumSquares,
  type Tensor,
  typeBytes,
} from '../graph/index.js';
import { type Adapter, type Model, type ParameterSpec, storedDtype } from '../models/index.js';
import type { Objective } from './objectives/objective.js';
import type { Optimizer } from './optim/optimizer.js';

export interface StepOptions {
  model: Model;
  objective: Objective;
  adapter: Adapter | null;
  /** The parameters that learn; nothing is computed or stored for the others. */
  trainable: readonly ParameterSpec[];
  /** Rows per micro-batch. */
  batch: number;
  length: number;
  /** Micro-batches per optimizer step. */
  accumulation: number;
  optimizer: Optimizer;
  /** Global gradient norm to clip to; null leaves gradients as they are. */
  maxGradNorm: number | null;
  threads: number;
  /** Of products and of what lies between them. Weights are what the model's storage says, moments what the optimizer does. */
  dtype: 'fp32' | 'bf16';
  /** What the backward pass makes again instead of holding it. Default: none. */
  recompute?: RecomputeMode;
  /** Bytes that states, inputs and intermediates may take together; recompute=auto goes as far as this asks for. */
  memoryBudget?: number;
}

/** Session name of the sum of a parameter's gradients over micro-batches. */
export const gradientName = (parameter: string): string => `gradient.${parameter}`;

/**
 * The programs of one optimizer step. Without accumulation `micro` is null and `update` does it all; with it, `micro`
 * adds a micro-batch's gradients to the states `gradient.<name>`, and `update` applies and clears them.
 */
export interface StepPrograms {
  micro: Program | null;
  update: Program;
}

/** In the order a step runs them. */
export const programsOfStep = ({ micro, update }: StepPrograms): Program[] =>
  micro === null ? [update] : [micro, update];

export function buildStep(options: StepOptions): StepPrograms {
  const { threads, dtype, accumulation } = options;
  const graph = new Graph();
  const { loss, parameters } = traceLoss(graph, options);
  const grads = gradients(loss, tensorsOf(parameters));
  if (accumulation === 1) {
    applyGradients(graph, options, parameters, grads);
    return {
      micro: null,
      update: compile(graph, { threads, dtype, recompute: recomputeOf(options, [graph]) }),
    };
  }
  grads.forEach((gradient, i) => {
    if (gradient === null) return;
    for (const term of termsOf(gradient)) accumulate(gradientState(graph, parameters[i]!), term);
  });
  const update = new Graph();
  const held = parameters.map(({ spec, tensor: { dtype } }) => ({
    spec,
    tensor: update.state(spec.name, dtype, spec.shape),
  }));
  const sums = held.map((parameter) => gradientState(update, parameter));
  applyGradients(update, options, held, sums);
  for (const sum of sums) fill(sum, 0);
  return {
    micro: compile(graph, { threads, dtype, recompute: recomputeOf(options, [graph, update]) }),
    update: compile(update, { threads, dtype }),
  };
}

/** The loss alone: what scoring rows costs. */
export function buildForward(
  options: Omit<StepOptions, 'accumulation' | 'trainable' | 'optimizer' | 'maxGradNorm'>,
): Program {
  const graph = new Graph();
  traceLoss(graph, { ...options, trainable: [], accumulation: 1 });
  return compile(graph, { threads: options.threads, dtype: options.dtype });
}

/** The arena may hold what the budget leaves beside the states and inputs of all programs. */
function recomputeOf(options: StepOptions, graphs: readonly Graph[]): RecomputeOptions | undefined {
  const { recompute: mode = 'none', memoryBudget = Infinity } = options;
  if (mode === 'none') return undefined;
  const others = new Map(graphs.flatMap(({ states, inputs }) => [...states, ...inputs]));
  const taken = [...others.values()].reduce((sum, tensor) => sum + typeBytes(tensor), 0);
  return { mode, arenaBytes: Math.max(0, memoryBudget - taken) };
}

interface Learning {
  spec: ParameterSpec;
  tensor: Tensor;
}

const tensorsOf = (parameters: readonly Learning[]) => parameters.map(({ tensor }) => tensor);

/** What a gradient is the sum of where a parameter is used more than once, in f32, so that the sum itself is nowhere held. */
function termsOf(gradient: Tensor): Tensor[] {
  if (gradient.source.kind !== 'node') return [gradient];
  const { op, inputs } = gradient.source.node;
  if (op === 'cast') return termsOf(inputs[0]!); // of a parameter in bf16
  const isSum = op === 'add' && inputs.every((input) => String(input!.shape) === String(gradient.shape));
  return isSum ? inputs.flatMap((input) => termsOf(input!)) : [gradient];
}

const gradientState = (graph: Graph, { spec }: Learning) =>
  graph.state(gradientName(spec.name), 'f32', spec.shape);

function traceLoss(graph: Graph, options: Omit<StepOptions, 'optimizer' | 'maxGradNorm'>) {
  const shape = [options.batch, options.length];
  const inputIds = graph.input('input_ids', 'i32', shape);
  const segmentIds = graph.input('segment_ids', 'i32', shape);
  const positions = graph.input('positions', 'i32', shape);
  const labels = graph.input('labels', 'i32', shape);
  const lossScale = graph.input('loss_scale', 'f32', [1]);
  const output = options.model.forward(
    { inputIds, segmentIds, positions },
    { adapter: options.adapter, widen: true },
  );
  const microShare = 1 / options.accumulation;
  const { loss, metrics } = options.objective.build({ output, labels, segmentIds, lossScale, microShare });
  graph.output('loss', loss);
  for (const [name, value] of Object.entries(metrics)) graph.output(name, value);
  const parameters = options.trainable.map((spec) => ({
    spec,
    tensor: graph.state(spec.name, storedDtype(options.model.storage, spec), spec.shape),
  }));
  return { loss, parameters };
}

/** Global norm, clip coefficient min(1, max / (norm + 1e-6)) as torch.nn.utils.clip_grad_norm_, then the updates. */
function applyGradients(
  graph: Graph,
  options: StepOptions,
  parameters: readonly Learning[],
  grads: readonly (Tensor | null)[],
): void {
  const reached = parameters.flatMap(({ spec, tensor }, i) => {
    const gradient = grads[i];
    return gradient == null ? [] : [{ spec, parameter: tensor, gradient }];
  });
  const [first, ...others] = reached.map(({ gradient }) => gradient);
  if (first === undefined) {
    throw new SluiceError(
      'config.nothing_to_train',
      'the loss does not depend on any weight that may learn',
      {
        hint: 'choose another training.peft_mode',
      },
    );
  }
  const norm = sqrt(sumSquares([first, ...others]));
  graph.output('grad_norm', norm);
  const clip =
    options.maxGradNorm === null
      ? full(graph, [1], 1)
      : clamp(affine(reciprocal(affine(norm, 1, 1e-6)), options.maxGradNorm, 0), 0, 1);
  // NaN where the norm is not finite, which leaves weights and moments as they were; else clip itself
  const scale = add(clip, sub(norm, norm));
  // learning rate and step (counted from 1)
  const scalars = concat([graph.input('optimizer', 'f32', [2]), scale], 0);
  options.optimizer.update(graph, reached, scalars);
}
