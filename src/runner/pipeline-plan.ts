import { SluiceError } from '../errors.js';
import type { StepRecord } from './run-record.js';

/** One step as its pipeline config says it. */
export interface StepConfig {
  stage: string;
  /** Override texts, as on a command line. */
  overrides: string[];
  /** The same as a tree: `{training: {lr: 1e-4}}` for `training.lr=1e-4`. */
  config: Record<string, unknown>;
  /** Steps to wait for besides those its references name. */
  needs: string[];
  /** false: it is run every time, whatever earlier runs there are. Default: true. */
  reuse: boolean;
}

/** A step with what it waits for; the steps of a plan stand in an order that can run. */
export interface PlannedStep {
  name: string;
  stage: string;
  needs: string[];
  uses: StepRecord['uses'];
  reuse: boolean;
}

const stepKeys = ['stage', 'overrides', 'config', 'needs', 'reuse'];
const reference = /\$\{steps\.([\w-]+)\.([\w-]+)\}/g;

/**
 * Reads the `steps` of an unresolved pipeline config: who refers to whose outputs, and in which order they can run.
 * Throws SluiceError `config.pipeline` for an unknown step or key, a missing stage, or a cycle.
 */
export function planPipeline(config: Record<string, unknown>): PlannedStep[] {
  const steps = config.steps;
  if (!isTree(steps) || Object.keys(steps).length === 0) {
    throw wrong(
      'has no steps',
      'give it `steps: {name: {stage: …}}` at its top, and `# @package _global_` if it lies in a group',
    );
  }
  const planned = Object.entries(steps).map(([name, step]) => planStep(name, step, Object.keys(steps)));
  return inRunnableOrder(planned);
}

function planStep(name: string, step: unknown, known: string[]): PlannedStep {
  if (!isTree(step) || typeof step.stage !== 'string')
    throw wrong(`step ${name} names no stage`, 'add `stage: …`');
  for (const key of Object.keys(step)) {
    if (!stepKeys.includes(key))
      throw wrong(`step ${name} has an unknown key ${key}`, `known: ${stepKeys.join(', ')}`);
  }
  const uses = [...JSON.stringify(step).matchAll(reference)].map(([, from, output]) => ({
    step: from!,
    output: output!,
  }));
  const needs = [
    ...new Set([...((step.needs as string[] | undefined) ?? []), ...uses.map((use) => use.step)]),
  ];
  for (const need of needs) {
    if (!known.includes(need))
      throw wrong(`step ${name} needs an unknown step ${need}`, `steps: ${known.join(', ')}`);
  }
  return { name, stage: step.stage, needs, uses: uses.filter(isFirst), reuse: step.reuse !== false };
}

const isFirst = (
  use: { step: string; output: string },
  index: number,
  all: { step: string; output: string }[],
) => all.findIndex((other) => other.step === use.step && other.output === use.output) === index;

// Keeps the written order wherever it can run.
function inRunnableOrder(steps: PlannedStep[]): PlannedStep[] {
  const waiting = [...steps];
  const ordered: PlannedStep[] = [];
  while (waiting.length > 0) {
    const ready = waiting.findIndex((step) =>
      step.needs.every((need) => ordered.some((done) => done.name === need)),
    );
    if (ready < 0) throw wrong(`steps wait for each other: ${waiting.map((step) => step.name).join(', ')}`);
    ordered.push(...waiting.splice(ready, 1));
  }
  return ordered;
}

/** A path of an output that no step has made yet, as `${steps.<step>.<output>}` gives it while all steps are checked. */
export const standIn = (step: string, output: string) => `made-by-${step}/${output}`;

/** Stand-ins for all that the steps use of each other: step -> output -> path. */
export function standIns(steps: readonly PlannedStep[]): Record<string, Record<string, string>> {
  const paths: Record<string, Record<string, string>> = {};
  for (const { step, output } of steps.flatMap((each) => each.uses)) {
    (paths[step] ??= {})[output] = standIn(step, output);
  }
  return paths;
}

/** Whether a path is a stand-in, or lies in one. */
export const isStandIn = (path: string) => /^made-by-[\w-]+\/[\w-]+/.test(path);

/**
 * The override texts of one step of a resolved pipeline config: its `overrides`, then its `config` as overrides, so
 * that both go through the one grammar and the one schema check. Beside each the path in the pipeline that it comes from.
 */
export function stepOverrides(
  config: Record<string, unknown>,
  name: string,
): { text: string; path: string }[] {
  const step = (config.steps as Record<string, Partial<StepConfig>>)[name]!;
  const written = (step.overrides ?? []).map((text, i) => ({ text, path: `steps.${name}.overrides[${i}]` }));
  const grown = leaves(step.config ?? {}).map(({ key, text }) => ({
    text,
    path: `steps.${name}.config.${key}`,
  }));
  return [...written, ...grown];
}

function leaves(tree: Record<string, unknown>, prefix = ''): { key: string; text: string }[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    return isTree(value) && Object.keys(value).length > 0
      ? leaves(value, `${key}.`)
      : [{ key, text: `${key}=${overrideText(value)}` }];
  });
}

/** A value in the override grammar, quoted so that it comes back the same. */
export function overrideText(value: unknown): string {
  if (typeof value === 'string')
    return `'${value.replace(/\\*'/g, (run) => `${'\\'.repeat(2 * (run.length - 1))}\\'`).replace(/\\+$/, (run) => run + run)}'`;
  if (Array.isArray(value)) return `[${value.map(overrideText).join(',')}]`;
  if (isTree(value)) {
    return `{${Object.entries(value)
      .map(([key, each]) => `${key}:${overrideText(each)}`)
      .join(',')}}`;
  }
  return String(value);
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (message: string, hint?: string) =>
  new SluiceError('config.pipeline', `the pipeline ${message}`, hint === undefined ? {} : { hint });
