import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { openTrainingState } from '../../src/checkpoint/index.js';
import { TrainingProject, traceOf } from '../e2e/training-project.js';

/** A full disk, and a folder that nothing can be written into, while a run saves: what was saved is whole, and goes on. */
export async function faultsStress(): Promise<string[]> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.log('full disk, read-only folder: left out, they need root on Linux');
    return [];
  }
  return [...(await fullDisk()), ...(await readOnlyFolder())];
}

const training = ['training.max_steps=40', 'training.save_every=10', 'training.keep_last=null'];

async function fullDisk(): Promise<string[]> {
  const project = await TrainingProject.make();
  const small = join(project.root, 'small');
  mkdirSync(small);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', small]);
  try {
    return await stopsAndGoesOn(project, 'full disk', /ENOSPC: no space left on device/, (command) =>
      project.start([...command, 'output_dir=small']),
    );
  } finally {
    await execa('umount', ['-l', small]);
    project.remove();
  }
}

async function readOnlyFolder(): Promise<string[]> {
  const project = await TrainingProject.make();
  let checkpoints: string | undefined;
  try {
    return await stopsAndGoesOn(project, 'read-only folder', /EPERM|EACCES|EROFS/, async (command) => {
      const running = project.start([...command, '--log', 'json']);
      await new Promise<void>((resolve) => {
        running.stderr!.on('data', (chunk) => {
          if (!String(chunk).includes('checkpoint of step 10') || checkpoints !== undefined) return;
          checkpoints = join(project.latest, 'checkpoints');
          void execa('chattr', ['+i', checkpoints]).then(() => resolve());
        });
        void running.then(() => resolve());
      });
      return running;
    });
  } finally {
    if (checkpoints !== undefined) await execa('chattr', ['-i', checkpoints], { reject: false });
    project.remove();
  }
}

async function stopsAndGoesOn(
  project: TrainingProject,
  name: string,
  expected: RegExp,
  start: (command: string[]) => PromiseLike<{ exitCode?: number | undefined; stderr?: unknown }>,
): Promise<string[]> {
  const slow =
    name === 'full disk' ? training : training.map((key) => key.replace('max_steps=40', 'max_steps=200'));
  const stage = project.stages(slow)[0]!;
  const command = [stage.name, ...stage.overrides];
  await project.start(command);
  const whole = traceOf(project.latest, stage);
  const { exitCode, stderr } = await start(command);
  const failed = project.latest;
  const left = readdirSync(join(failed, 'checkpoints')).filter((each) => /^step_\d+$/.test(each));
  for (const each of left) openTrainingState(join(failed, 'checkpoints', each)).tensors.close(); // throws for a damaged one
  const problems: string[] = [];
  if (exitCode !== 1 || !expected.test(String(stderr))) problems.push(`exit ${exitCode}: ${String(stderr)}`);
  if (left.length === 0) problems.push('no checkpoint is left');
  const rest = await project.start([...command, 'resume=latest']);
  if (rest.exitCode !== 0) problems.push(String(rest.stderr));
  else if (JSON.stringify(traceOf(project.latest, stage)) !== JSON.stringify(whole))
    problems.push('ends otherwise');
  console.log(
    `${name}: ${problems.length === 0 ? `stopped at ${left.at(-1)} and went on to the same end` : 'failed'}`,
  );
  return problems.map((problem) => `${name}: ${problem}`);
}
