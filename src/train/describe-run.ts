import type { Program } from '../graph/index.js';
import { planRecord } from './plan-record.js';
import type { StepPrograms } from './step.js';
import { type TrainingRun, totalSteps } from './training-run.js';

/** What `--plan` prints of a training run: steps, memory, floating-point work and the op list of its programs. */
export function describeRun(run: TrainingRun, programs: StepPrograms): string {
  const list = programs.micro === null ? [programs.update] : [programs.micro, programs.update];
  const plan = planRecord(list, null);
  const perStep = run.training.batch_size / run.training.per_device_batch_size;
  const flops = programs.update.cost.flops + (programs.micro?.cost.flops ?? 0) * perStep;
  const steps = totalSteps(run.training, run.data.rows);
  const learns = run.trainable.reduce(
    (sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1),
    0,
  );
  const lines = [
    `model           ${run.model.modelType}, ${count(parameters(run))} parameters, ${count(learns)} of them learn`,
    `data            ${run.data.rows} rows of ${run.data.length} tokens`,
    `steps           ${steps} of ${run.training.batch_size} rows`,
    `weights, moments ${bytes(plan.state_bytes)}`,
    `intermediates   ${bytes(plan.arena_bytes)}`,
    `planned bytes   ${plan.planned_bytes} (${bytes(plan.planned_bytes)})`,
    `FLOPs a step    ${flops} (${count(flops)})`,
    `FLOPs in all    ${count(flops * steps)}`,
  ];
  const names = programs.micro === null ? ['step'] : ['micro-batch', 'update'];
  return [...lines, ...list.flatMap((program, i) => ['', `program ${names[i]}`, ...opTable(program)])].join(
    '\n',
  );
}

const parameters = (run: TrainingRun) =>
  run.model.parameters().reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);

function opTable(program: Program): string[] {
  const rows = program.ops.map(({ op, outputs, scope }, i) => {
    const made = outputs.flatMap((id) =>
      id === null ? [] : [`${program.values[id]!.dtype}[${program.values[id]!.shape}]`],
    );
    const { flops, bytes: moved } = program.opCosts[i]!;
    return [op, made.join(' '), count(flops), bytes(moved), scope];
  });
  const table = [['op', 'makes', 'FLOPs', 'moves', 'where'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(),
  );
}

function count(value: number): string {
  const units = ['', ' K', ' M', ' G', ' T', ' P'];
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${power === 0 ? value : (value / 1000 ** power).toPrecision(4)}${units[power]}`;
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${power === 0 ? value : (value / 1024 ** power).toPrecision(4)} ${units[power]}`;
}
