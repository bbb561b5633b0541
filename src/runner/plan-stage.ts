import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import type { FromStage } from './job.js';
import { localLauncher } from './launchers/local.js';
import { thrownError } from './run-record.js';
import type { StagePlan } from './stage.js';

/** A plan, and stand-ins for what the stage would make, by output name: of the right shapes, with nothing in them. */
export interface PlannedStage {
  plan: StagePlan;
  /** Absolute paths. */
  outputs: Map<string, string>;
}

/**
 * What a stage's programs need, from a process of its own. Stand-ins for its outputs go below `folder`, where that is
 * given. Leaves no run folder. Throws what the stage throws, and `usage.no_plan` for a stage that cannot be planned.
 */
export async function planStage(
  { stage, config, wantedFolder, setup }: ComposedStage,
  { root, stagesModule }: { root: string; stagesModule: string },
  line: (text: string) => void,
  folder?: string,
): Promise<PlannedStage> {
  const runDirectory = folder ?? (await mkdtemp(join(tmpdir(), 'sluice-plan-')));
  await mkdir(runDirectory, { recursive: true });
  try {
    let last: FromStage | undefined;
    let plan: StagePlan = { text: '' };
    const outputs = new Map<string, string>();
    const running = localLauncher.launch(
      {
        ...{ mode: 'plan', stage, stagesModule, config, runDirectory, root },
        workingDirectory: root,
        env: setup(wantedFolder).env,
      },
      {
        message(message) {
          if (message.type === 'plan') plan = message.plan;
          else if (message.type === 'output') outputs.set(message.name, message.path);
          else last = message;
        },
        line,
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
    return { plan, outputs };
  } finally {
    if (folder === undefined) await rm(runDirectory, { recursive: true, force: true });
  }
}
