import { expect } from 'chai';
import { compile, elementCount, exp, Graph, log } from '../../src/graph/index.js';
import { expectClose } from './compare.js';
import { f32Of, type Given } from './data.js';
import { allNarrow } from './narrow.js';
import { runNative, useEngine } from './native-run.js';
import type { NumericRow } from './row.js';
import { flashAttentionGradRow, flashAttentionRows } from './rows/flash-attention.js';
import { numericRows as rows } from './rows/index.js';
import { gpuPrograms, gpuTolerances } from './save-row.js';
import { forwardProgram, type RowProgram } from './trace-row.js';

/** The order in which the threads of a group take turns; a kernel that lacks a barrier differs between them. */
const schedules = ['ascending', 'descending', 'shuffled'] as const;

/** Some seconds each, thread by thread: in one order, and in f32 alone; the others in two orders; all of it with SLUICE_ALL_KERNELS=1. */
const isHeavy = ({ name }: NumericRow) => name.includes(' past ') || name.startsWith('past ');
const all = process.env.SLUICE_ALL_KERNELS === '1';

describe('GPU kernels, run thread by thread', function () {
  this.timeout(120_000);
  const engine = useEngine();

  /** The CPU back end's numbers, which op-table.test.ts holds to the reference, and the same bits in every order. */
  async function expectAgreement(
    row: RowProgram,
    tolerance: number,
    orders: readonly string[],
  ): Promise<void> {
    const wanted = await runNative(engine(), row, 'cpu');
    const first = await runNative(engine(), row, `emulator:${orders[0]}`);
    for (const [name, values] of Object.entries(wanted)) expectClose(first[name]!, values, tolerance, name);
    for (const order of orders.slice(1)) {
      const again = await runNative(engine(), row, `emulator:${order}`);
      expect(different(first, again), `bits that change when threads run ${order}`).to.deep.equal([]);
    }
  }

  for (const row of rows) {
    const short = isHeavy(row) && !all;
    const orders = short ? ['shuffled'] : all ? schedules : ['descending', 'shuffled'];
    it(`${row.op} ${row.name}: as the CPU, threads ${orders.join(', ')}`, async () => {
      const programs = gpuPrograms(row).filter(({ name }) => !short || !name.startsWith('bf16'));
      for (const { made, tolerance } of programs) await expectAgreement(made, tolerance, orders);
    });
  }

  for (const row of flashAttentionRows(all)) {
    const orders = all ? schedules : ['descending', 'shuffled'];
    it(`${row.op} ${row.name}, in bf16: as the CPU, threads ${orders.join(', ')}`, async () => {
      const programs = gpuPrograms(row).filter(({ name }) => name.startsWith('bf16'));
      for (const { made, tolerance } of programs) await expectAgreement(made, tolerance, orders);
      if (all) await expectPortable(row);
    });
  }

  /** A bias of zeros, which only the portable kernel takes, changes little more than the rounding of the weights to bf16. */
  async function expectPortable(row: NumericRow): Promise<void> {
    const { q, k } = row.inputs as Record<'q' | 'k', Given>;
    const shape = [q.shape[2]!, q.shape[1]!, k.shape[1]!];
    const bias = f32Of(shape, new Array(elementCount(shape)).fill(0));
    const run = (inputs: NumericRow['inputs']) =>
      runNative(engine(), forwardProgram({ ...row, inputs }, 1, { change: allNarrow }), 'emulator:ascending');
    const fused = await run(row.inputs);
    const portable = await run({ ...row.inputs, bias });
    expectClose(fused.output0!, portable.output0!, gpuTolerances.narrow, 'o of the portable kernel');
    expectClose(fused.output1!, portable.output1!, 1e-5, 'lse of the portable kernel');
  }

  it('find the op whose result is not finite', async () => {
    const graph = new Graph();
    graph.output('y', exp(log(graph.input('x', 'f32', [1000]))));
    const session = engine().session({ device: 'emulator:shuffled', threads: 1 });
    const program = session.load(compile(graph, { threads: 1 }));
    program.setCheckFinite(true);
    const x = new Float32Array(1000).fill(1);
    await program.run({ x });
    const failed = await program.run({ x: x.with(777, 0) }).catch((error: Error) => error.message);
    expect(failed).to.match(/^log .*: output y \[1000\] is not finite$/);
    session.close();
  });

  it('were all run by the tests above', () => {
    const { known, run } = engine().addon.emulatedKernels();
    expect(known.filter((kernel) => !run.includes(kernel))).to.deep.equal([]);
  });

  it('meet no bank of group memory twice at once, where they read fragments of matrices', () => {
    expect(engine().addon.emulatedKernels().bankConflicts).to.equal(0);
  });

  /**
   * Rows of an op, and those barriers and waits for copies that its kernel needs there (some only matter to a next round).
   * In bf16 they have another kernel.
   */
  const planted: readonly [op: string, name: string, faults: readonly (number | string)[], bf16?: 'bf16'][] =
    [
      ['sum', 'over everything', [1]],
      ['sum', 'down long columns', [1]],
      ['max', 'along the last axis', [1]],
      ['argmax', 'takes the first of equals', [1, 3, 4]],
      ['softmax', 'of odd rows', [1, 3]],
      ['topk', 'of odd rows', [1, 3, 4, 6]],
      ['rms_norm', 'of odd width', [1]],
      ['layer_norm', 'of odd width', [1, 3]],
      ['embedding_grad', 'with rows nobody names', [1]],
      ['matmul', 'plain', [1]],
      ['matmul', 'deeper than what is fetched ahead, with a bias', [1, 2, 6, 'wait1', 'wait5'], 'bf16'],
      ['grouped_matmul', 'of experts with 0, 1, 127 and 129 rows, of odd sizes', [1], 'bf16'],
      ['quantized_matmul', 'of many rows of int8, with a bias', [1, 2]],
      ['quantized_matmul', 'of many rows of nf4, with a bias', [1, 2], 'bf16'],
      ['attention', 'causal over packed documents and padding', [1, 3]],
      ['attention', 'past one group of queries, with a window', [1, 2, 'wait1', 'wait2'], 'bf16'],
      ['attention_grad', flashAttentionGradRow.name, [1, 2, 3, 'wait1', 'wait2'], 'bf16'],
      ['linear_cross_entropy', 'with masked tokens', [1, 3]],
    ];
  const known = [...rows, ...flashAttentionRows(false), flashAttentionGradRow];
  for (const [op, name, faults, bf16] of planted) {
    it(`${op} ${name}${bf16 ? ' in bf16' : ''}: each of its barriers is missed when it is not there`, async () => {
      const row = known.find((each) => each.op === op && each.name === name)!;
      const program = forwardProgram(row, 1, bf16 && { change: allNarrow });
      const whole = await runNative(engine(), program, 'emulator:ascending');
      for (const fault of faults) {
        const caught = await Promise.all(
          schedules.map(async (order) => {
            const broken = await runNative(engine(), program, `emulator:${order}-${fault}`).catch(() => null);
            return broken === null || different(whole, broken).length > 0;
          }),
        );
        expect(caught, `without barrier ${fault}`).to.include(true);
      }
    });
  }
});

/** Names of the arrays whose bits differ. */
function different(a: Record<string, ArrayBufferView>, b: Record<string, ArrayBufferView>): string[] {
  const bits = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return Object.keys(a).filter((name) => !bits(a[name]!).equals(bits(b[name]!)));
}
