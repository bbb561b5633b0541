import { expect } from 'chai';
import {
  compile,
  describePlan,
  Graph,
  heldBytes,
  matmul,
  peakOf,
  summarizePlan,
} from '../../src/graph/index.js';
import { tinyTrainStep } from './tiny-models.js';

describe('plan report', () => {
  const graph = new Graph();
  const x = graph.input('x', 'f32', [128, 64]);
  graph.output(
    'y',
    graph.scope('head', () => matmul(x, graph.state('w', 'f32', [256, 64]), { transB: true })),
  );
  const program = compile(graph, { threads: 2 });

  it('counts planned bytes and floating-point operations exactly', () => {
    expect(summarizePlan('forward', program)).to.deep.equal({
      name: 'forward',
      threads: 2,
      stateBytes: 65_536,
      inputBytes: 32_768,
      arenaBytes: 131_072,
      plannedBytes: 229_376,
      flops: 2 * 128 * 64 * 256,
      trafficBytes: 229_376,
      ops: 1,
    });
  });

  it('reads as a table', () => {
    expect(describePlan('forward', program)).to.equal(
      [
        'forward: 1 ops, 2 threads',
        '  states  64.0 KiB (1)',
        '  inputs  32.0 KiB (x)',
        '  arena   128 KiB',
        '  planned 224 KiB',
        '  cost    4.19 MFLOP, 224 KiB moved per run',
        '',
        '  op      times  FLOP    share    moved',
        '  matmul  1      4.19 M  100.0 %  224 KiB',
        '',
        '  peak    128 KiB at op 0 of 1: matmul head',
        '  held                 bytes    results  made in',
        '  matmul f32[128,256]  128 KiB  1        head',
        '',
        '  #  op      scope  result        FLOP    moved',
        '  0  matmul  head   f32[128,256]  4.19 M  224 KiB',
        '',
      ].join('\n'),
    );
  });

  it('says what recomputation costs, and what is held where most memory is needed, layers together', () => {
    const step = compile(tinyTrainStep({ layers: 4, clip: true }).graph, {
      threads: 1,
      recompute: { mode: 'full' },
    });
    const text = describePlan('step', step, { everyOp: false });
    const { bytes, index } = peakOf(step)!;
    expect(bytes).to.be.within(0.9 * step.arenaBytes, step.arenaBytes);
    expect(text).to.contain(`at op ${index} of ${step.ops.length}: ${step.ops[index]!.op}`);
    expect(text).to.match(/again +[0-9.]+ kFLOP in \d+ recomputed ops, [0-9.]+ % on top/);
    const held = heldBytes(step);
    expect(held).to.have.length(step.ops.length);
    expect([held.indexOf(Math.max(...held)), Math.max(...held)]).to.deep.equal([index, bytes]);
    expect(held[0]!, 'the first op holds little').to.be.below(bytes / 4);
    expect(text).to.match(/ {2}rms_norm f32\[2,6,8\] +768 B +2 +layers\.\* \(recomputed\)/);
  });
});
