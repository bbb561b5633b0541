import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import type { FromStage } from '../runner/job.js';
import { localLauncher } from '../runner/launchers/local.js';
import { thrownError } from '../runner/run-record.js';
import type { Project } from './project.js';

/** `--plan`: prints what the stage's programs need, from the stage's own process; leaves no run folder. */
export async function planStage(
  { stage, config, wantedFolder, setup }: ComposedStage,
  { root, stagesModule, stdout, stderr }: Project,
): Promise<number> {
  const runDirectory = await mkdtemp(join(tmpdir(), 'sluice-plan-'));
  try {
    let last: FromStage | undefined;
    const running = localLauncher.launch(
      {
        ...{ mode: 'plan', stage, stagesModule, config, runDirectory, root },
        workingDirectory: root,
        env: setup(wantedFolder).env,
      },
      {
        message(message) {
          if (message.type === 'plan')
            stdout.write(message.text.endsWith('\n') ? message.text : `${message.text}\n`);
          else last = message;
        },
        line: (text) => void stderr.write(`${text}\n`),
      },
    );
    const end = await running.ended;
    if (last?.type === 'failed') throw thrownError(last.error);
    if (last?.type !== 'done') {
      throw new SluiceError(
        'stage.crashed',
        `${stage}: planning ended by ${end.signal ?? `exit code ${end.exitCode}`}`,
      );
    }
    return 0;
  } finally {
    await rm(runDirectory, { recursive: true, force: true });
  }
}
