import { loadSweeperTargets, planSweep } from '../config/index.js';
import type { CommandLine } from './arguments.js';
import { type ConfigRequest, composeOptions } from './compose.js';
import { withHost } from './host.js';
import { loadRegistries, plug } from './plugged.js';
import type { Project } from './project.js';
import type { ResumedSweep } from './resumed-jobs.js';
import { Sweep } from './sweep.js';
import type { SweepSubject } from './sweep-job.js';

/**
 * `-m`: a run per combination, in `hydra.sweep.dir`/`hydra.sweep.subdir`, as many at a time as the launcher says.
 *
 * @param resumed the sweep to go on with: its moment is `${now:…}`, and jobs of its that are done stay so
 */
export async function sweepCommand(
  subject: SweepSubject,
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
  resumed?: ResumedSweep,
): Promise<number> {
  const startedAt = resumed === undefined ? new Date() : new Date(resumed.manifest.startedAt);
  const plan = planSweep(
    { ...(await composeOptions(request, line, project, startedAt.toISOString())), now: startedAt },
    {
      sweepers: await loadSweeperTargets((await loadRegistries(project)).sweepers),
    },
  );
  const plugged = await plug(plan.master, plan.master.unresolved(), line, project);
  const sweep = new Sweep({
    plan,
    subject,
    launcher: plugged.launcher,
    startedAt,
    resumed,
    line,
    project,
  });
  await plugged.tell('on_multirun_start');
  try {
    // Before anything is drawn or made: a sweep with a mistake leaves nothing behind.
    if (!(await sweep.prepare())) return 0;
    return await withHost('jobs', line, project, plugged, (host) => sweep.run(host));
  } finally {
    await sweep.close();
    await plugged.tell('on_multirun_end');
  }
}
