import { expect } from 'chai';
import type { Engine } from '../../src/engine/index.js';
import type { OpName } from '../../src/graph/op-list.js';
import { opList } from '../../src/graph/op-list.js';
import { hasTrait } from '../../src/graph/op-names.js';
import { definitionOf } from '../../src/graph/op-table.js';
import { interpret } from '../graph/reference/interpreter.js';
import { expectClose } from './compare.js';
import { allNarrow } from './narrow.js';
import { builtEngine, runNative } from './native-run.js';
import type { NumericRow } from './row.js';
import { numericRows as rows } from './rows/index.js';
import { arraysOf, forwardProgram, gradientNames, gradientProgram, type RowProgram } from './trace-row.js';

/** Gradient ops add up a few more roundings than the op itself, and an op that only copies still has sums here. */
const gradientTolerance = (row: NumericRow) => Math.max(4 * row.tolerance, 5e-6);

/**
 * The last place of a bf16 is 2^-7 of a number just above a power of two: sums that differ in their last f32 bits may
 * round to neighbours.
 */
const bf16Tolerance = 2 ** -7;

describe('op table', () => {
  let engine: Engine | null;

  before(async () => {
    engine = await builtEngine();
  });

  it('has a row for every op of the list', () => {
    const covered = new Set<OpName>();
    for (const row of rows) {
      for (const { op } of forwardProgram(row, 1).program.ops) covered.add(op);
      if (row.gradient.length === 0) continue;
      for (const { op } of gradientProgram(row, 1).program.ops) covered.add(op);
    }
    expect(Object.keys(opList).filter((op) => !covered.has(op as OpName))).to.deep.equal([]);
  });

  for (const row of rows) {
    describe(`${row.op} ${row.name}`, () => {
      it('is what the reference computes, with the same bits for 1 and 2 threads', async function () {
        if (!engine) return this.skip(); // the native engine is not built
        await expectNativeAgrees(engine, (threads) => forwardProgram(row, threads), row.tolerance);
      });

      if (hasTrait(row.op, 'inplace')) {
        it('may overwrite its input', async function () {
          if (!engine) return this.skip(); // the native engine is not built
          await expectNativeAgrees(
            engine,
            (threads) => forwardProgram(row, threads, { inPlace: true }),
            row.tolerance,
          );
        });
      }

      if (definitionOf(row.op).precision) {
        it('is the reference rounded where everything that may be is bf16', async function () {
          if (!engine) return this.skip(); // the native engine is not built
          const narrow = { change: allNarrow };
          const tolerance = Math.max(row.tolerance, bf16Tolerance);
          await expectNativeAgrees(engine, (threads) => forwardProgram(row, threads, narrow), tolerance);
          if (row.gradient.length === 0) return;
          await expectNativeAgrees(
            engine,
            (threads) => gradientProgram(row, threads, allNarrow),
            4 * tolerance,
          );
        });
      }

      if (row.gradient.length > 0) {
        it('has the gradient that the reference computes', async function () {
          if (!engine) return this.skip(); // the native engine is not built
          await expectNativeAgrees(
            engine,
            (threads) => gradientProgram(row, threads),
            gradientTolerance(row),
          );
        });

        if (row.finiteDifferences) {
          it('needs no more than its planned memory', () => {
            const { program, inputs, states } = gradientProgram(row, 1);
            const given = [arraysOf(inputs), arraysOf(states)] as const;
            const apart = interpret(program, ...given);
            expect(interpret(program, ...given, { inArena: true })).to.deep.equal(apart);
          });

          it('has the gradient of finite differences', () => expectFiniteDifferences(row));
        }
      }
    });
  }
});

async function expectNativeAgrees(engine: Engine, make: (threads: number) => RowProgram, tolerance: number) {
  const one = make(1);
  const wanted = interpret(one.program, arraysOf(one.inputs), arraysOf(one.states));
  const alone = await runNative(engine, one);
  for (const [name, values] of [...Object.entries(wanted.outputs), ...Object.entries(wanted.states)]) {
    expectClose(alone[name]!, values, tolerance, name);
  }
  const together = await runNative(engine, make(2));
  for (const [name, values] of Object.entries(alone)) {
    expect(Buffer.from(together[name]!.buffer).equals(Buffer.from(values.buffer)), `${name}: bits`).to.equal(
      true,
    );
  }
}

/** Both sides in float64: central differences leave about 1e-10 here, so 1e-6 catches any wrong rule. */
function expectFiniteDifferences(row: NumericRow): void {
  const { program, inputs, states } = gradientProgram(row, 1);
  const given = arraysOf(inputs);
  const { outputs } = interpret(program, given, arraysOf(states));
  const lossAt = (name: string, index: number, value: number) => {
    const moved = Array.from(given[name]!).with(index, value);
    return interpret(program, { ...given, [name]: moved }, arraysOf(states)).outputs.loss![0]!;
  };
  for (const name of gradientNames(row)) {
    const numeric = Array.from(given[name]!, (value, index) => {
      const step = 1e-5 * Math.max(1, Math.abs(value));
      return (lossAt(name, index, value + step) - lossAt(name, index, value - step)) / (2 * step);
    });
    expectClose(outputs[`gradient of ${name}`]!, numeric, 1e-6, `gradient of ${name}`);
  }
}
