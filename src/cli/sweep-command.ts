import { join, resolve } from 'node:path';
import { composeBatch, planSweep, type SweepPlan } from '../config/index.js';
import { runStage, type StageRun } from '../runner/run-stage.js';
import type { StageEntry } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeOptions } from './compose.js';
import { withHost } from './host.js';
import { reachedValue } from './objective.js';
import { type Plugged, plug } from './plugged.js';
import { printResult } from './print-result.js';
import type { Project } from './project.js';
import { readyStage } from './ready-stage.js';
import { commandText } from './shell-quote.js';

/**
 * `-m`: one run per combination, one after another, in `hydra.sweep.dir`/`hydra.sweep.subdir`. All configs of a batch are
 * composed before its first run. The first run that is not done ends the sweep with its exit code.
 */
export async function sweepCommand(
  stage: StageEntry,
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
): Promise<number> {
  const plan = planSweep(await composeOptions(request, line, project));
  const plugged = await plug(plan.master, plan.master.unresolved(), line, project);
  await plugged.tell('on_multirun_start');
  try {
    return await runBatches(stage, plan, plugged, line, project);
  } finally {
    await plugged.tell('on_multirun_end');
  }
}

async function runBatches(
  stage: StageEntry,
  plan: SweepPlan,
  plugged: Plugged,
  line: CommandLine,
  project: Project,
): Promise<number> {
  const folder = resolve(project.root, plan.directory);
  let count = 0;
  for (let batch = plan.sweeper.ask(); batch !== undefined; batch = plan.sweeper.ask()) {
    const jobs = composeBatch(plan, count, batch);
    const runs: StageRun[] = [];
    for (const { num, overrides, composed, subdirectory } of jobs) {
      runs.push({
        ...(await readyStage(stage, composed, project)),
        wantedFolder: join(folder, subdirectory),
        label: `#${num} ${overrides.join(' ')}`,
        command: commandText([stage.name, ...overrides]),
      });
    }
    count += runs.length;
    const labels = runs.map(({ label }) => label);
    const reached: (number | undefined)[] = [];
    const failed = await withHost(labels, line, project, plugged, async (host) => {
      for (const run of runs) {
        const finished = await runStage(run, host);
        printResult(finished, line.log, project);
        if (finished.record.status !== 'done') return finished.record.exitCode!;
        reached.push(
          plan.objective === undefined
            ? undefined
            : await reachedValue(finished.folder, plan.objective.metric),
        );
      }
      return 0;
    });
    if (failed !== 0) return failed;
    plan.sweeper.tell(reached);
  }
  return 0;
}
