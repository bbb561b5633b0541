import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { localLauncher } from '../../src/runner/launchers/local.js';
import { readSweepManifest } from '../../src/runner/sweep-manifest.js';
import { median } from '../../src/telemetry/median.js';
import { CommandLineProject } from '../cli/command-line-run.js';
import { testStages } from '../runner/fixtures/project.js';

/** Milliseconds for one job. */
export interface JobCost {
  /** Of wall time: the median, and the least, which what else the machine does had the smallest part in. */
  wall: number;
  least: number;
  /** Of this process's CPU time, on average. */
  cpu: number;
}

/**
 * What a job of a sweep costs, and what its process alone costs, started as the launcher starts it but with nobody
 * listening. In turns, so that what else the machine does concerns both alike.
 */
export async function launchCost(rounds: number, jobs: number): Promise<{ sweep: JobCost; bare: JobCost }> {
  const sweeps: JobCost[] = [];
  const bares: JobCost[] = [];
  for (let round = 0; round < rounds; round++) {
    const project = new CommandLineProject();
    try {
      sweeps.push(await costOf(() => sweepJobs(project, jobs), jobs));
      bares.push(await costOf(() => bareJobs(project.root, jobs), jobs));
    } finally {
      project.remove();
    }
  }
  return { sweep: medians(sweeps), bare: medians(bares) };
}

async function costOf(work: () => Promise<number[]>, jobs: number): Promise<JobCost> {
  const before = process.cpuUsage();
  const walls = await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: median(walls), least: Math.min(...walls), cpu: (user + system) / 1000 / jobs };
}

/** From the start of one job to the start of the next. */
async function sweepJobs(project: CommandLineProject, jobs: number): Promise<number[]> {
  await project.run('answer', '-m', `seed=range(0,${jobs})`, 'hydra.sweep.dir=outputs/swept');
  const starts = readSweepManifest(join(project.root, 'outputs/swept')).jobs.map(({ startedAt }) =>
    Date.parse(startedAt!),
  );
  return starts.slice(1).map((start, index) => start - starts[index]!);
}

async function bareJobs(root: string, jobs: number): Promise<number[]> {
  const walls: number[] = [];
  for (let job = 0; job < jobs; job++) {
    const runDirectory = join(root, `bare-${job}`);
    mkdirSync(runDirectory);
    const started = performance.now();
    const running = localLauncher.launch(
      {
        ...{ mode: 'run' as const, stage: 'answer', stagesModule: testStages, runDirectory, root },
        ...{ config: { seed: job, data: null }, workingDirectory: root, env: {} },
      },
      { message() {}, line() {} },
    );
    await running.ended;
    walls.push(performance.now() - started);
  }
  return walls;
}

const medians = (costs: readonly JobCost[]): JobCost => ({
  wall: median(costs.map(({ wall }) => wall)),
  least: Math.min(...costs.map(({ least }) => least)),
  cpu: median(costs.map(({ cpu }) => cpu)),
});
