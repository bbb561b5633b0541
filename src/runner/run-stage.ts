import { describeError, SluiceError } from '../errors.js';
import type { Callbacks } from './callbacks/callbacks.js';
import type { CodeHashes } from './code-hash.js';
import type { ComposedStage } from './compose-stage.js';
import type { Display, EndStatus } from './display/display.js';
import { History } from './history.js';
import type { Interrupt } from './interrupt.js';
import type { Launcher } from './launchers/launcher.js';
import { configuredSinks } from './metrics-sinks.js';
import { openRecord } from './open-record.js';
import type { Registries } from './registries.js';
import { createRunFolder, writeHydraFiles } from './run-folder.js';
import type { RunRecord } from './run-record.js';
import { shortened } from './shortened.js';
import type { Versions } from './versions.js';
import { warnOfClock } from './warn-of-clock.js';
import { watchStage } from './watch-stage.js';

/** One stage, composed and checked, ready to run. */
export interface StageRun extends ComposedStage {
  /** Its line in the display: the stage, or the step of a pipeline. */
  label: string;
  command: string;
}

/** What all runs of one command share. */
export interface RunnerHost {
  root: string;
  /** See Job. */
  stagesModule: string;
  /** Of these stages. */
  code: CodeHashes;
  versions: Versions;
  launcher: Launcher;
  registries: Registries;
  callbacks: Callbacks;
  display: Display;
  interrupt: Interrupt;
  /** Makes report.html from what is on disk and gives its path. */
  writeReport(folder: string): Promise<string>;
}

export interface FinishedRun {
  folder: string;
  record: RunRecord;
}

/**
 * Runs a stage in its own process and leaves a complete run folder, whatever happens to the stage: a failure is a
 * record with `status` and `error`, not an exception. Throws only where a sink of its config cannot be made, or the
 * folder itself. `onStart` is told the folder.
 */
export async function runStage(
  run: StageRun,
  host: RunnerHost,
  onStart: (folder: string) => void = () => {},
): Promise<FinishedRun> {
  const sinks = await configuredSinks(run.config, host.registries);
  const folder = await createRunFolder(run.wantedFolder);
  const setup = run.setup(folder);
  await writeHydraFiles(folder, setup.hydraFiles);
  const record = await openRecord(run, folder, host, {
    config: setup.config,
    stage: run.stage,
    code: await host.code.of(run.stage),
  });
  await noteRun(folder, record, host);
  warnOfClock(new History(host.root), record, host);

  host.display.started(run.label, shortened(host.root, folder));
  onStart(folder);
  const settled = { ...run, config: setup.config };
  await host.callbacks.jobStart(settled, folder);
  await watchStage({ run, setup, folder, host, record, sinks });
  await noteRun(folder, record, host);
  await writeReport(folder, host);
  host.display.ended(run.label, record.status as EndStatus, record.durationSeconds!);
  const finished = { folder, record };
  await host.callbacks.jobEnd(settled, finished);
  return finished;
}

// The folder is the truth: an index that cannot be written ends no run.
export async function noteRun(folder: string, record: RunRecord, host: RunnerHost): Promise<void> {
  await new History(host.root).note(folder, record).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    host.display.note(`not noted in the index of runs (./run runs reindex mends it): ${why}`, 'warning');
  });
}

// A report that cannot be made is worth a line, not the loss of a finished run.
export async function writeReport(folder: string, host: RunnerHost): Promise<void> {
  await host.writeReport(folder).catch((error: unknown) => {
    const isOfDisk = (error as NodeJS.ErrnoException).code !== undefined && !(error instanceof SluiceError);
    const why = isOfDisk ? (error as Error).message : describeError(error);
    host.display.note(`no report: ${why}`, 'warning');
  });
}
