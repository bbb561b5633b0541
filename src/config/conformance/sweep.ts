import { relative, resolve } from 'node:path';
import type { Mismatch, Vector } from '../conformance.js';
import { Resolution } from '../interpolation/evaluate.js';
import { composeBatch, planSweep, type SweepJob } from '../sweep/plan.js';
import { rawValue } from '../tree/node.js';
import { checkError, describe, options } from './compose.js';
import { encode, same, sameUnordered } from './encoding.js';

export function checkSweep(vector: Vector, folder: string): Mismatch | undefined {
  const batches: number[] = [];
  const jobs: SweepJob[] = [];
  let directory: string;
  try {
    // The reference prints `~key` as `~key=null` and additions to lists as the lists; its vectors record that.
    const plan = planSweep(options(vector, folder), { asReference: true });
    directory = plan.directory;
    for (let batch = plan.sweeper.ask(); batch !== undefined; batch = plan.sweeper.ask()) {
      jobs.push(...composeBatch(plan, jobs.length, batch));
      batches.push(batch.length);
      plan.sweeper.tell(batch.map(() => undefined));
    }
  } catch (error) {
    return vector.error ? checkError(vector, error) : { expected: vector.expect, got: describe(error) };
  }
  const overrides = jobs.map((job) => job.overrides);
  if (vector.error) return { expected: `${vector.error_class}: ${vector.message_contains}`, got: overrides };
  const agree = vector.unordered ? sameUnordered : same;
  if (!agree(vector.expect, overrides)) return { expected: vector.expect, got: overrides };
  if (!same(vector.batches, batches)) return { expected: vector.batches, got: batches };
  const described = jobs.map((job, index) => describeJob(job, vector.jobs[index] ?? {}, folder, directory));
  return agree(vector.jobs, described) ? undefined : { expected: vector.jobs, got: described };
}

/** The fields that the vector records for this job. */
function describeJob(
  job: SweepJob,
  wanted: Vector,
  folder: string,
  directory: string,
): Record<string, unknown> {
  const { root, resolvers } = job.composed.internal;
  const fields: Record<string, () => unknown> = {
    num: () => job.num,
    overrides: () => job.overrides,
    override_dirname: () => job.composed.value('hydra.job.override_dirname'),
    sweep_subdir: () => job.subdirectory,
    output_dir: () => relative(folder, resolve(folder, directory, job.subdirectory)),
    config: () => encode(rawValue(job.composed.internal.task())),
    resolved: () => encode(new Resolution(resolvers).value(root)),
  };
  return Object.fromEntries(Object.keys(wanted).map((field) => [field, fields[field]?.()]));
}
