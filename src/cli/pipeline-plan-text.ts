import { clock } from '../runner/display/progress-text.js';
import { gibibytes, type PipelineForecast, type StepForecast } from '../runner/forecast-pipeline.js';
import { tableText } from './table-text.js';

/** `--plan` of a pipeline for a terminal: a row per step, then what there is to say of each. */
export function pipelinePlanText({ steps, freeBytes }: PipelineForecast): string {
  const rows = steps.map((step) => [
    step.name,
    step.stage,
    step.action,
    step.threads ?? '–',
    step.plannedBytes === null ? '–' : about(step, gibibytes(step.plannedBytes)),
    step.flops === null ? '–' : about(step, step.flops.toExponential(2)),
    timeText(step),
  ]);
  const table = tableText({
    title: 'Plan',
    columns: ['step', 'stage', 'action', 'threads', 'memory', 'FLOPs', 'time'],
    rows,
  });
  return `${table}\n\n${steps.map(stepText).join('\n')}\n\n${totalText(steps)}; ${gibibytes(freeBytes)} of memory are free\n`;
}

function stepText(step: StepForecast): string {
  const { name, why, inputs, unplanned, foreseen, time, action, problem } = step;
  const lines = [`${name}: ${why ?? 'runs'}`];
  for (const { step: from, output, path } of inputs)
    lines.push(`  ${from}.${output}: ${path ?? `will be made by ${from}`}`);
  if (unplanned !== null) lines.push(`  memory and FLOPs: ${unplanned}`);
  if (foreseen) lines.push('  memory and FLOPs: by what the configs of earlier steps say they will make');
  if (action === 'run' || action === 'resume') lines.push(`  time: ${time.from}`);
  if (problem !== null) lines.push(`  cannot run: ${problem.message}`);
  return lines.join('\n');
}

function totalText(steps: readonly StepForecast[]): string {
  const known = steps.filter(({ time }) => time.seconds !== null);
  const seconds = known.reduce((sum, { time }) => sum + time.seconds!, 0);
  const unknown = steps.length - known.length;
  if (unknown === 0) return `one after another: about ${clock(seconds)}`;
  const rest = `and ${unknown} ${unknown === 1 ? 'step' : 'steps'} of unknown time`;
  return `one after another: at least ${clock(seconds)}, ${rest}`;
}

function timeText({ action, time }: StepForecast): string {
  if (action !== 'run' && action !== 'resume') return '–';
  if (time.seconds === null) return '?';
  return action === 'resume' ? `< ${clock(time.seconds)}` : clock(time.seconds);
}

const about = ({ foreseen }: StepForecast, text: string) => (foreseen ? `~ ${text}` : text);
