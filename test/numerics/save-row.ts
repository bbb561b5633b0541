import { join } from 'node:path';
import { saveProgram, type TensorToWrite } from '../../src/checkpoint/index.js';
import type { Engine } from '../../src/engine/index.js';
import type { Dtype, Graph, Shape } from '../../src/graph/index.js';
import { definitionOf } from '../../src/graph/op-table.js';
import { allNarrow } from './narrow.js';
import { runNative, toTyped } from './native-run.js';
import type { NumericRow } from './row.js';
import { forwardProgram, gradientProgram, type RowProgram } from './trace-row.js';

/** What a GPU may differ by from the CPU: f32 sums in trees, gradients that add up more of them, and bf16's last place. */
export const gpuTolerances = { forward: 5e-6, gradient: 2e-5, narrow: 2 ** -7 };

/** The programs of a row, and by how much of its largest number each result may differ on a GPU. */
export function gpuPrograms(row: NumericRow): { name: string; made: RowProgram; tolerance: number }[] {
  const forward = row.tolerance === 0 ? 0 : Math.max(row.tolerance, gpuTolerances.forward);
  const gradient = Math.max(4 * row.tolerance, gpuTolerances.gradient);
  const narrow = Math.max(row.tolerance, gpuTolerances.narrow);
  const hasGradient = row.gradient.length > 0;
  const hasNarrow = definitionOf(row.op).precision !== undefined;
  return [
    { name: 'forward', made: forwardProgram(row, 1), tolerance: forward },
    ...(hasGradient ? [{ name: 'gradient', made: gradientProgram(row, 1), tolerance: gradient }] : []),
    ...(hasNarrow
      ? [{ name: 'bf16', made: forwardProgram(row, 1, { change: allNarrow }), tolerance: narrow }]
      : []),
    ...(hasNarrow && hasGradient
      ? [{ name: 'bf16-gradient', made: gradientProgram(row, 1, narrowGradients), tolerance: 4 * narrow }]
      : []),
  ];
}

/** Without the loss: in a sum of all results, as bf16, roundings add up and terms cancel. */
function narrowGradients(graph: Graph): Graph {
  const narrow = allNarrow(graph);
  narrow.outputs.delete('loss');
  return narrow;
}

/** Saves a row's programs with what the CPU makes of them, for native/runner. */
export async function saveRow(engine: Engine, row: NumericRow, folder: string): Promise<void> {
  for (const { name, made, tolerance } of gpuPrograms(row)) {
    const results = await runNative(engine, made, 'cpu');
    const { program } = made;
    const result = (kind: string, type: { name: string; dtype: Dtype; shape: Shape }) =>
      stored(`${kind} ${type.name}`, type, results[type.name]!);
    saveProgram(join(folder, `${row.op} ${row.name}`.replace(/[^\w]+/g, '-'), name), {
      text: program.text,
      given: [
        ...program.inputs.map((type) => stored(`input ${type.name}`, type, toTyped(made.inputs[type.name]!))),
        ...program.states.map((type) => stored(`state ${type.name}`, type, toTyped(made.states[type.name]!))),
      ],
      wanted: {
        tolerance,
        tensors: [
          ...program.outputTypes.map((type) => result('output', type)),
          ...program.states.map((type) => result('state', type)),
        ],
      },
    });
  }
}

const storedDtypes = { f32: 'F32', bf16: 'BF16', i32: 'I32', u8: 'U8' } as const;

function stored(
  name: string,
  { dtype, shape }: { dtype: Dtype; shape: Shape },
  data: ArrayBufferView,
): TensorToWrite {
  return { name, dtype: storedDtypes[dtype], shape, data };
}
