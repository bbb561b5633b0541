import type { ProductQuestion } from '../engine/index.js';
import { elementCount, lossChunk, type Program, type ProgramOp, type ProgramValue } from '../graph/index.js';
import type { StepPart } from './predict.js';

/** A matrix product of a step, as one thread or all of them compute it. */
export interface StepProduct
  extends Pick<ProductQuestion, 'rows' | 'columns' | 'depth' | 'transA' | 'transB' | 'operands' | 'result'> {
  /** The first op that needs it, and what of it. */
  readonly what: string;
  /** How many of them a step takes. */
  readonly calls: number;
  /** Part of a larger op, which gives it to a single thread. */
  readonly isBlock: boolean;
}

type Size = readonly [rows: number, columns: number, depth: number];

/**
 * How native/backends/cpu/kernels cut what they compute; a test compares them. On AVX-512 attention takes strips of a few
 * queries instead, which no library multiplies so: its rows there are what blocks would reach.
 */
export const cuts = {
  attentionQueries: 64,
  attentionKeys: 128,
  lossTokens: 256,
  lossWords: 1024,
  /** At most. */
  lossRows: 128,
};
const { attentionQueries, attentionKeys, lossTokens, lossWords, lossRows } = cuts;

/** Where the operands of an op's products begin among its inputs; elsewhere they are the first. */
const firstOperand: Partial<Record<ProgramOp['op'], number>> = { attention_grad: 1, matmul_sum: 2 };

/** The products of a step's programs, run so often each: every shape once, in the order of their first use. */
export function stepProducts(parts: readonly StepPart[]): StepProduct[] {
  const found = new Map<string, StepProduct>();
  for (const { program, runs } of parts) {
    for (const product of program.ops.flatMap((op) => productsOf(program, op))) {
      const { what, calls, ...shape } = product;
      const key = JSON.stringify(shape);
      const known = found.get(key)?.calls ?? 0;
      found.set(key, { ...(found.get(key) ?? product), calls: known + runs * calls });
    }
  }
  return [...found.values()];
}

function productsOf(program: Program, op: ProgramOp): StepProduct[] {
  const value = (id: number | null | undefined): ProgramValue => program.values[id!]!;
  // accumulate_x adds to its first input what x would give
  const accumulates = op.op.startsWith('accumulate_');
  const input = (index: number) => value(op.inputs[index + (accumulates ? 1 : 0)]);
  const output = accumulates ? value(op.inputs[0]) : value(op.outputs.find((id) => id !== null));
  const narrow = (of: ProgramValue) => (of.dtype === 'bf16' ? 'bf16' : 'f32');
  const make = (part: string, size: Size, transA: boolean, transB: boolean, more: Partial<StepProduct>) => ({
    what: `${op.scope}${part && `: ${part}`}`,
    rows: size[0],
    columns: size[1],
    depth: size[2],
    transA,
    transB,
    operands: narrow(input(firstOperand[op.op] ?? 0)) as 'f32' | 'bf16',
    result: 'f32' as const,
    calls: 1,
    isBlock: true,
    ...more,
  });
  switch (op.op.replace('accumulate_', '')) {
    case 'matmul': {
      const [a, b] = [input(0), input(1)];
      if (a.dtype !== b.dtype) return []; // frozen weights in bf16 beside f32: no such product in a library
      const [transA, transB] = [op.attributes.trans_a === true, op.attributes.trans_b === true];
      const columns = output.shape.at(-1)!;
      const depth = a.shape.at(transA ? -2 : -1)!;
      const each = b.shape.length > 2 ? output.shape.at(-2)! : elementCount(output.shape) / columns;
      const calls = elementCount(output.shape) / columns / each;
      return [
        make('', [each, columns, depth], transA, transB, {
          result: narrow(output),
          calls,
          isBlock: calls > 1,
        }),
      ];
    }
    case 'matmul_sum': {
      const columns = output.shape.at(-1)!;
      const rows = elementCount(output.shape) / columns;
      return (op.attributes.trans_b as readonly number[]).map((transB, term) => {
        const size: Size = [rows, columns, input(2 + 2 * term).shape.at(-1)!];
        return make(term === 0 ? '' : `term ${term + 1}`, size, false, transB === 1, {
          result: narrow(output),
          isBlock: false,
        });
      });
    }
    case 'grouped_matmul': {
      const experts = input(1).shape[0]!;
      const rows = Math.round(input(0).shape[0]! / experts);
      const size: Size = [Math.min(rows, 256), output.shape[1]!, input(0).shape[1]!];
      const calls = experts * Math.ceil(rows / 256);
      return [make('', size, false, op.attributes.trans_b === true, { result: narrow(output), calls })];
    }
    case 'grouped_matmul_wgrad': {
      const [experts, rows, columns] = output.shape;
      return [
        make('', [rows!, columns!, Math.round(input(0).shape[0]! / experts!)], true, false, {
          calls: experts!,
        }),
      ];
    }
    case 'attention':
      return attention(op, input(0), input(1), (part, size, transA, transB, calls) =>
        make(part, size, transA, transB, { calls }),
      ).slice(0, 2);
    case 'attention_grad':
      return attention(op, input(1), input(2), (part, size, transA, transB, calls) =>
        make(part, size, transA, transB, { calls }),
      );
    case 'linear_cross_entropy_train': {
      const [tokens, width] = input(0).shape as [number, number];
      const words = input(1).shape[0]!;
      const learns = op.outputs[4] != null || accumulates;
      const chunk = lossChunk(input(0), input(1), learns);
      const tile: Size = [Math.min(lossTokens, chunk), Math.min(lossWords, words), width];
      const calls = Math.ceil(tokens / tile[0]) * Math.ceil(words / tile[1]);
      const rows = Math.min(lossRows, chunk);
      return [
        make('logits', tile, false, true, { calls }),
        make('dh', [rows, width, tile[1]], false, false, {
          calls: Math.ceil(tokens / rows) * Math.ceil(words / tile[1]),
        }),
        ...(!learns
          ? []
          : [
              make('dw', [words, width, chunk], true, false, {
                calls: Math.ceil(tokens / chunk),
                isBlock: false,
              }),
            ]),
      ];
    }
    default:
      return [];
  }
}

type Make = (part: string, size: Size, transA: boolean, transB: boolean, calls: number) => StepProduct;

/** The blocks of forward (first two) and backward pass; of causal attention those that have a visible pair. */
function attention(op: ProgramOp, q: ProgramValue, k: ProgramValue, make: Make): StepProduct[] {
  const [batch, length, heads, width] = q.shape as [number, number, number, number];
  const keys = k.shape[1]!;
  let blocks = 0;
  for (let first = 0; first < length; first += attentionQueries) {
    const seen = op.attributes.causal === true ? Math.min(keys, first + attentionQueries) : keys;
    blocks += Math.ceil(seen / attentionKeys);
  }
  const calls = batch * heads * blocks;
  return [
    make(
      'scores',
      [attentionQueries, attentionKeys, width],
      false,
      true,
      op.op === 'attention' ? calls : 2 * calls,
    ),
    make('values', [attentionQueries, width, attentionKeys], false, false, calls),
    make('dk, dv', [attentionKeys, width, attentionQueries], true, false, 2 * calls),
  ];
}
