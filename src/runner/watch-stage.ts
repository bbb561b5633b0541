import { SluiceError } from '../errors.js';
import type { LogEvent, TelemetryEvent } from '../telemetry/event.js';
import { fingerprint } from './artifact.js';
import type { JobSetup } from './compose-stage.js';
import type { FromStage, Job } from './job.js';
import { keepRecord } from './keep-record.js';
import type { JobEnd } from './launchers/launcher.js';
import { JobLog } from './logging/job-log.js';
import { MetricsSinks, type NamedSinks } from './metrics-sinks.js';
import { ProgressFile } from './progress-file.js';
import { endOf } from './run-end.js';
import {
  closeRecord,
  metricValue,
  type RunError,
  type RunRecord,
  recordedPath,
  writeRunRecord,
} from './run-record.js';
import type { RunnerHost, StageRun } from './run-stage.js';
import { stageCrash } from './stage-crash.js';

/** A run whose folder is made, and what following it needs. */
export interface StartedRun {
  run: StageRun;
  setup: JobSetup;
  folder: string;
  host: RunnerHost;
  record: RunRecord;
  sinks: NamedSinks;
}

/**
 * Starts the process of a stage, follows it to its end, and writes the record, the log and the metric files of its
 * folder. Does not throw for anything the stage does.
 */
export async function watchStage(started: StartedRun): Promise<void> {
  const watch = new Watch(started);
  const end = await watch.follow();
  await watch.finish(end);
}

type Print = Awaited<ReturnType<typeof fingerprint>>;

class Watch {
  private readonly run: StageRun;
  private readonly setup: JobSetup;
  private readonly folder: string;
  private readonly host: RunnerHost;
  private readonly record: RunRecord;
  private readonly log: JobLog;
  private readonly sinks: MetricsSinks;
  private readonly progress: ProgressFile;
  /** Hashed as soon as they are named: what the stage read, not what stands there when it is over. */
  private readonly inputs = new Map<string, { path: string; print: Promise<Print> }>();
  private readonly outputs = new Map<string, string>();
  private last: Extract<FromStage, { type: 'done' | 'failed' }> | undefined;
  private readonly began = performance.now();
  private killed = false;
  private ended = false;

  constructor({ run, setup, folder, host, record, sinks }: StartedRun) {
    this.run = run;
    this.setup = setup;
    this.folder = folder;
    this.host = host;
    this.record = record;
    const show = (event: LogEvent) => host.display.event(run.label, event);
    this.log = new JobLog(setup.logging, run.stage, host.root, show);
    this.sinks = new MetricsSinks(sinks, folder, (text) => this.warn(text));
    this.progress = new ProgressFile(folder);
  }

  async follow(): Promise<JobEnd> {
    const { run, setup, folder, host } = this;
    const { root, stagesModule } = host;
    this.debug(`the process of ${run.stage} starts in ${setup.workingDirectory}`);
    const variables = Object.keys(setup.env);
    if (variables.length > 0) this.debug(`with the variables ${variables.join(', ')}`);
    const job: Job = {
      mode: 'run',
      stage: run.stage,
      stagesModule,
      config: setup.config,
      ...(run.mayStayUnread !== undefined && { mayStayUnread: run.mayStayUnread }),
      runDirectory: folder,
      root,
      workingDirectory: setup.workingDirectory,
      env: setup.env,
    };
    const running = host.launcher.launch(job, {
      message: (message) => this.message(message),
      line: (text) => this.log.writeRaw(text),
    });
    const stopListening = host.interrupt.on((request) => {
      if (request === 'checkpoint') {
        running.checkpoint();
        return;
      }
      const force = request === 'kill';
      this.killed ||= force;
      if (force) running.kill();
      else running.abort();
      host.display.note(force ? 'killed' : `interrupting ${run.label} (again: kill it without a checkpoint)`);
    });
    if (host.interrupt.requested) running.abort();
    return running.ended.finally(stopListening);
  }

  async finish(end: JobEnd): Promise<void> {
    const { record, host } = this;
    const missing = await this.recordArtifacts();
    const error = this.errorOf(end) ?? missing;
    record.status = error === undefined ? 'done' : error.code === 'interrupted' ? 'interrupted' : 'failed';
    record.exitCode = error === undefined ? 0 : new SluiceError(error.code, error.message).exitCode;
    if (error !== undefined) {
      record.error = error;
      this.log.writeToFiles(
        'error',
        [error.message, error.where, error.hint, error.stack].filter(Boolean).join('\n'),
      );
    }
    this.progress.remove();
    closeRecord(record, this.began);
    await this.sinks.closeJsonl();
    keepRecord(this.folder, record);
    await this.closeOtherSinks();
    await this.log.close().catch((failed: unknown) => {
      host.display.note(`warning: the log is not whole: ${(failed as Error).message}`, 'warning');
    });
  }

  // The run is over and says so on disk: Ctrl-C ends only what is still being sent.
  private async closeOtherSinks(): Promise<void> {
    const stop = new AbortController();
    const stopListening = this.host.interrupt.on((request) => request !== 'checkpoint' && stop.abort());
    await this.sinks.closeOthers(endOf(this.record), stop.signal).finally(stopListening);
  }

  private message(message: FromStage): void {
    if (message.type === 'event') this.event(message.event);
    else if (message.type === 'input') this.addInput(message.name, message.path);
    else if (message.type === 'output') this.outputs.set(message.name, message.path);
    else if (message.type === 'fact') this.record.facts[message.key] = message.value;
    else if (message.type === 'done' || message.type === 'failed') this.last = message;
  }

  private event(event: TelemetryEvent): void {
    if (event.type === 'log') {
      this.log.write(event);
      return;
    }
    this.host.display.event(this.run.label, event);
    if (event.type === 'progress') {
      this.progress.write(event);
    } else if (event.type === 'metrics') {
      this.sinks.write(event);
      for (const [name, value] of Object.entries(event.values))
        this.record.metrics[name] = metricValue(value);
    } else if (event.type === 'table') {
      const { title, columns, rows } = event;
      this.record.tables.push({ title, columns, rows });
    }
  }

  private warn(text: string): void {
    this.log.writeToFiles('warning', text);
    this.host.display.note(`warning: ${text}`, 'warning');
  }

  private debug(text: string): void {
    this.log.write({ type: 'log', level: 'debug', text, logger: 'runner' });
  }

  private addInput(name: string, path: string): void {
    const print = fingerprint(path);
    this.inputs.set(name, { path, print });
    print.then(
      (hashed) => this.recordInput(name, path, hashed),
      () => {}, // told by recordArtifacts, once the stage had its chance to say it better
    );
  }

  // At once: a run that is killed is to say what it had read, for another to go on from it.
  private recordInput(name: string, path: string, print: Print): void {
    const { record, folder, host } = this;
    if (this.ended) return;
    const artifact = { name, path: recordedPath(path, folder, host.root), ...print };
    record.inputs = [...record.inputs.filter((input) => input.name !== name), artifact];
    try {
      writeRunRecord(folder, record);
    } catch (error) {
      this.warn((error as Error).message); // the end of the run writes it again
    }
  }

  /** Gives the first artifact that is not there as an error. */
  private async recordArtifacts(): Promise<RunError | undefined> {
    const { record, folder, host } = this;
    this.ended = true;
    record.inputs = [];
    let missing: RunError | undefined;
    const add = async (list: RunRecord['inputs'], name: string, path: string, print: Promise<Print>) => {
      try {
        const artifact = { name, path: recordedPath(path, folder, host.root), ...(await print) };
        list.push(artifact);
        this.debug(`${name}: ${path}, ${artifact.bytes} bytes, sha256 ${artifact.sha256}`);
      } catch (error) {
        const { code, message, where = path } = error as SluiceError;
        missing ??= { code, message: `${name}: ${message}`, where };
      }
    };
    for (const [name, { path, print }] of this.inputs) await add(record.inputs, name, path, print);
    for (const [name, path] of this.outputs) await add(record.outputs, name, path, fingerprint(path));
    return missing;
  }

  private errorOf(end: JobEnd): RunError | undefined {
    const { stage } = this.run;
    if (this.last?.type === 'failed') return this.last.error;
    if (this.last?.type === 'done') {
      this.record.facts.peakMemoryBytes = this.last.peakMemoryBytes;
      return undefined;
    }
    if (this.killed)
      return { code: 'interrupted', message: `${stage} was killed before it could write a checkpoint` };
    if (this.host.interrupt.requested) {
      return { code: 'interrupted', message: `${stage} was interrupted before it began` };
    }
    if (end.startError !== undefined) {
      return {
        code: 'run.start',
        message: `${stage}: its process could not be started: ${String(end.startError)}`,
      };
    }
    return stageCrash(stage, end, this.log, this.folder);
  }
}
