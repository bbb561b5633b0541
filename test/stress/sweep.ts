import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { Random } from '../../src/data/index.js';
import { CommandLineProject } from '../cli/command-line-run.js';
import { type JobCost, launchCost } from './launch-cost.js';
import { lostJobs } from './lost-jobs.js';

/**
 * `npm run stress:sweep`: a sweep of STRESS_JOBS (200) jobs that do nothing, two at a time, killed with SIGKILL
 * STRESS_KILLS (5) times at random moments and gone on with: nothing may be lost. Then what a job costs beyond its
 * process, which is to stay below STRESS_LAUNCH_MS (50) milliseconds, at least where the machine leaves it alone. Prints a summary; exits 1 if anything is wrong.
 */
const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const jobs = number('STRESS_JOBS', 200);
const kills = number('STRESS_KILLS', 5);
const limit = number('STRESS_LAUNCH_MS', 50);

const entry = fileURLToPath(new URL('../e2e/fixtures/test-command-line.js', import.meta.url));
const random = new Random(number('STRESS_SEED', 1), 'sweep');

const failures: string[] = [];
const project = new CommandLineProject();
const started = performance.now();
const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);
const words = ['answer', '-m', `seed=range(0,${jobs})`, 'hydra.sweep.dir=outputs/swept'];
for (let kill = 0; kill <= kills; kill++) {
  const local = ['hydra/launcher=local', 'hydra.launcher.n_jobs=2'];
  const running = execaNode(
    entry,
    [project.root, ...(kill === 0 ? [...words, ...local] : ['--resume-sweep'])],
    {
      reject: false,
      all: true,
    },
  );
  const ended = running.then(() => 'ended' as const);
  // Somewhere in the part of the time that the sweep takes which comes before the next kill.
  const share = (jobs * 0.35) / (kills + 1);
  const moment = sleep(1000 * (0.5 + random.next() * share)).then(() => 'moment' as const);
  if (kill < kills && (await Promise.race([ended, moment])) === 'moment') running.kill('SIGKILL');
  const { exitCode, signal, all } = await running;
  console.log(`sweep ${kill + 1}: ${signal ?? `exit code ${exitCode}`} after ${seconds(started)} s`);
  if (signal === undefined && exitCode !== 0) failures.push(all.slice(-2000));
  if (signal === undefined) break;
}
failures.push(...lostJobs(project.root, jobs));
project.remove();
console.log(
  `${jobs} jobs: ${failures.length === 0 ? 'all there, each done once' : `${failures.length} things wrong`}`,
);

const { sweep, bare } = await launchCost(5, 20);
const line = (what: string, { wall, least, cpu }: JobCost) => {
  const [median, best, own] = [wall, least, cpu].map((value) => value.toFixed(1).padStart(7));
  console.log(
    `${what.padEnd(20)} ${median} ms, at best ${best} ms; CPU time of the launcher's process ${own} ms`,
  );
};
const added: JobCost = {
  wall: sweep.wall - bare.wall,
  least: sweep.least - bare.least,
  cpu: sweep.cpu - bare.cpu,
};
line('a job of a sweep', sweep);
line('its process alone', bare);
line('the launcher adds', added);
if (!(Math.min(added.wall, added.least) < limit))
  failures.push(`the launcher adds ${added.least.toFixed(1)} ms a job at best, not less than ${limit}`);

for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(failures.length === 0 ? 'stress: all as it should be' : `stress: ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
