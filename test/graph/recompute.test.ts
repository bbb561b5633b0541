import { expect } from 'chai';
import {
  compile,
  exp,
  Graph,
  gradients,
  mul,
  type Program,
  type RecomputeOptions,
  square,
  sum,
} from '../../src/graph/index.js';
import { interpret } from './reference/interpreter.js';
import { tinyData } from './tiny-data.js';
import { tinyTrainStep } from './tiny-models.js';

const layers = 4;

const step = (recompute?: RecomputeOptions, clip = true, dtype: 'fp32' | 'bf16' = 'fp32'): Program =>
  compile(tinyTrainStep({ layers, clip }).graph, { threads: 2, recompute, dtype });

const recomputedOps = ({ ops }: Program) => ops.filter(({ scope }) => scope.endsWith(' (recomputed)'));

describe('recomputation', () => {
  it('gives the same outputs and states, whether weights change at the end or during the backward pass', () => {
    for (const clip of [true, false]) {
      const held = step(undefined, clip);
      const { inputs, states } = tinyData(held);
      const expected = interpret(held, inputs, states);
      for (const mode of ['full', 'auto'] as const) {
        const program = step({ mode }, clip);
        expect(recomputedOps(program)).not.to.be.empty;
        expect(interpret(program, inputs, states)).to.deep.equal(expected);
      }
    }
  });

  it('counts the FLOPs of repeated ops apart, so that a share of the peak stays one of useful work', () => {
    const [held, full] = [step(), step({ mode: 'full' })];
    expect(full.cost.flops).to.equal(held.cost.flops);
    expect(held.recomputed.flops).to.equal(0);
    expect(full.recomputed.flops).to.be.within(0.1 * held.cost.flops, 0.34 * held.cost.flops);
  });

  it('full repeats a layer from its input on, and nothing that other layers read', () => {
    const program = step({ mode: 'full' });
    const repeated = recomputedOps(program);
    expect(new Set(repeated.map(({ scope }) => /\d+/.exec(scope)![0])).size).to.equal(layers);
    // the residual stream leaves the layer: its last sum and the product before it are never needed again
    const ofFirst = repeated.filter(({ scope }) => scope.startsWith('layers.0'));
    expect(ofFirst.filter(({ op }) => op === 'add').length).to.equal(1);
    expect(ofFirst.some(({ scope }) => scope.includes('down_proj'))).to.equal(false);
  });

  it('auto repeats no product where memory has no limit', () => {
    const repeated = recomputedOps(step({ mode: 'auto' })).map(({ op }) => op);
    expect(repeated).to.include('rms_norm');
    expect(repeated).not.to.include('matmul');
  });

  for (const dtype of ['fp32', 'bf16'] as const) {
    it(`auto goes as far as the arena asks for and no further: ${dtype}`, () => {
      const [most, least] = [step({ mode: 'auto' }, true, dtype), step({ mode: 'full' }, true, dtype)];
      let before = most.recomputed.flops;
      for (const part of [0.75, 0.5, 0.25]) {
        const arenaBytes = Math.ceil(least.arenaBytes + part * (most.arenaBytes - least.arenaBytes));
        const program = step({ mode: 'auto', arenaBytes }, true, dtype);
        expect(program.arenaBytes).to.be.at.most(arenaBytes);
        expect(program.recomputed.flops).to.be.within(before, least.recomputed.flops);
        before = program.recomputed.flops;
      }
    });
  }

  it('never makes again what a longer life of something larger would be needed for', () => {
    // the copies that norms read are half the size of the residual stream, which would have to be held for them
    const copiesForNorms = ({ ops }: Program, last: string) => {
      const read = new Set(ops.filter(({ op }) => op === 'rms_norm').map(({ inputs }) => inputs[0]!));
      return ops.filter(
        ({ op, outputs, scope }) => op === 'cast' && read.has(outputs[0]!) && scope.endsWith(last),
      );
    };
    const full = step({ mode: 'full' }, true, 'bf16');
    expect(copiesForNorms(full, '')).to.have.lengthOf(2 * layers);
    expect(copiesForNorms(full, ' (recomputed)')).to.deep.equal([]);
  });

  it('gives what needs least where no amount of it is enough', () => {
    expect(step({ mode: 'auto', arenaBytes: 1 }).arenaBytes).to.be.below(
      1.2 * step({ mode: 'full' }).arenaBytes,
    );
  });

  it('leaves a graph without layers or gradients as it is', () => {
    const graph = new Graph();
    const x = graph.input('x', 'f32', [4]);
    const loss = sum(square(mul(exp(x), x)));
    graph.output('dx', gradients(loss, [x])[0]!);
    const plain = compile(graph, { threads: 1 });
    expect(compile(graph, { threads: 1, recompute: { mode: 'full' } }).text).to.equal(plain.text);
  });
});
