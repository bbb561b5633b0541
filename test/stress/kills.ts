import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTemporary } from '../../src/checkpoint/atomic.js';
import { Random } from '../../src/data/index.js';
import { readRunRecord } from '../../src/runner/run-record.js';
import { type KillWhat, kill } from '../e2e/kill-at.js';
import { type TinyStage, TrainingProject, traceOf } from '../e2e/training-project.js';

export interface KillsOptions {
  kills: number;
  /** Length of a run that nobody kills. */
  seconds: number;
  killsPerRun: number;
  seed: number;
}

interface Reference {
  stage: TinyStage;
  seconds: number;
  steps: number;
  trace: Record<string, string>;
}

/**
 * Every training stage once in one go; then again and again, killed at random moments and resumed until it ends. Gives a
 * line for each run that did not end as the one in one go.
 */
export async function killsStress(options: KillsOptions): Promise<string[]> {
  const project = await TrainingProject.make();
  const random = new Random(options.seed, 'kills');
  const failures: string[] = [];
  const counts = { stage: 0, command: 0, both: 0 };
  let [killed, beforeCheckpoint, inMidWrite, runs] = [0, 0, 0, 0];
  try {
    const references: Reference[] = [];
    for (const index of [0, 1, 2]) references.push(await reference(project, index, options.seconds));
    while (killed < options.kills) {
      const { stage: plain, seconds, steps, trace } = references[runs % references.length]!;
      // every other run saves so often that some die in the middle of it
      const stage = runs % 2 === 0 ? plain : saving(plain, Math.max(1, Math.round(steps / 1000)));
      runs += 1;
      const moments: string[] = [];
      let last = await project.start([stage.name, ...stage.overrides, '--plan']); // says what is wrong before anything is killed
      for (let kills = 0; ; kills += 1) {
        const toKill = kills < options.killsPerRun && killed < options.kills;
        const begun = await begin(project, stage, kills === 0);
        beforeCheckpoint += begun.fromScratch && kills > 0 ? 1 : 0;
        if (toKill) {
          const what = (['stage', 'command', 'both'] as const satisfies KillWhat[])[random.below(3)]!;
          // of what is left of the run on average, so that the kills spread over all of it
          const wait = (random.next() * 2 * seconds) / (options.killsPerRun + 1);
          const ended = await Promise.race([begun.running.then(() => true), sleep(wait * 1000, false)]);
          if (!ended && (await kill(begun.running, what))) {
            killed += 1;
            counts[what] += 1;
            inMidWrite += isInMidWrite(project.latest) ? 1 : 0;
            moments.push(`${what} at ${wait.toFixed(1)} s`);
          }
        }
        last = await begun.running;
        if (last.exitCode === 0) break;
        if (!toKill) throw new Error(String(last.stderr));
      }
      const got = traceOf(project.latest, stage);
      const wrong = Object.keys(trace).filter((name) => got[name] !== trace[name]);
      const { id } = readRunRecord(project.latest);
      const line = `${stage.name} ${moments.join(', ')} -> ${id}: `;
      console.log(line + (wrong.length === 0 ? 'same' : `other ${wrong.join(', ')}`));
      if (wrong.length > 0) failures.push(`${line}other ${wrong.join(', ')}`);
    }
  } finally {
    project.remove();
  }
  console.log(
    `${killed} kills (${counts.stage} of the stage, ${counts.command} of the command, ${counts.both} of both) in ${runs} runs, ` +
      `${beforeCheckpoint} before the first checkpoint, ${inMidWrite} in the middle of one: ${runs - failures.length} ended with the hashes of the run in one go`,
  );
  return failures;
}

/** One run in one go, about as long as asked: by shorter ones before it. */
async function reference(project: TrainingProject, index: number, seconds: number): Promise<Reference> {
  const train = async (steps: number) => {
    const saveEvery = Math.max(2, Math.round(steps / 40));
    const stage = project.stages([
      `training.max_steps=${steps}`,
      `training.save_every=${saveEvery}`,
      'training.log_every=7',
    ])[index]!;
    const started = performance.now();
    const { exitCode, stderr } = await project.start([stage.name, ...stage.overrides]);
    if (exitCode !== 0) throw new Error(String(stderr));
    return { stage, seconds: (performance.now() - started) / 1000 };
  };
  let steps = 1000;
  let whole = await train(steps);
  while (whole.seconds < 0.8 * seconds) {
    steps = Math.round(steps * Math.min(4, seconds / whole.seconds + 0.1)); // a slow start is no slow step
    whole = await train(steps);
  }
  console.log(`${whole.stage.name}: ${steps} steps in one go take ${whole.seconds.toFixed(0)} s`);
  return { ...whole, steps, trace: traceOf(project.latest, whole.stage) };
}

const saving = (stage: TinyStage, every: number): TinyStage => ({
  ...stage,
  overrides: [
    ...stage.overrides.filter((each) => !each.startsWith('training.save_every=')),
    `training.save_every=${every}`,
  ],
});

function isInMidWrite(folder: string): boolean {
  const checkpoints = join(folder, 'checkpoints');
  return existsSync(checkpoints) && readdirSync(checkpoints).some(isTemporary);
}

/** Starts a stage anew, or where an earlier attempt left off. */
async function begin(project: TrainingProject, stage: TinyStage, isFirst: boolean) {
  const command = [stage.name, ...stage.overrides];
  if (!isFirst) {
    const check = await project.start([...command, 'resume=latest', '--plan']);
    if (check.exitCode === 0)
      return { running: project.start([...command, 'resume=latest']), fromScratch: false };
    // the one good reason: it died before its first checkpoint; what was before that is done
    const reasons = String(check.stderr).match(/^ {2}outputs\/.*$/gm) ?? [];
    const isGood = (line: string) =>
      /no complete checkpoint$|nothing left to do|is done$|another config/.test(line);
    if (reasons.length === 0 || !reasons.every(isGood)) throw new Error(String(check.stderr));
  }
  return { running: project.start(command), fromScratch: true };
}
