/** The process of one stage: gets a Job by IPC, runs it, reports. Started by launchers/, never imported. */
import { isAbsolute, resolve } from 'node:path';
import { trackReads } from '../config/track-reads.js';
import { SluiceError } from '../errors.js';
import { endSignals, ignoreOtherSignals } from './end-signals.js';
import type { FromStage, Job, ToStage } from './job.js';
import type { Registries } from './registries.js';
import { type RunError, runError } from './run-record.js';
import type { StageContext, StagesModule } from './stage.js';

const abort = new AbortController();
let checkpointAsked = false;
// A terminal or a Slurm step signals the whole group: the watcher tells us what we know already, and once is enough.
for (const signal of endSignals) process.on(signal, () => abort.abort());
ignoreOtherSignals();
process.on('SIGUSR1', askForCheckpoint);
process.on('SIGXFSZ', () => {}); // a file beyond `ulimit -f` is then an error of the write, not our end
// The watcher is gone (killed): nobody waits for the result, but the work so far is worth a checkpoint.
process.on('disconnect', () => abort.abort());
process.on('message', (message: ToStage) => {
  if (message.type === 'abort') abort.abort();
  else if (message.type === 'checkpoint') askForCheckpoint();
  else void work(message.job);
});

// Signal and message of one request come within milliseconds of each other.
let lastAsked = Number.NEGATIVE_INFINITY;
function askForCheckpoint(): void {
  const now = performance.now();
  if (now - lastAsked > 1000) checkpointAsked = true;
  lastAsked = now;
}

async function work(job: Job): Promise<void> {
  try {
    const stages = (await import(job.stagesModule)) as StagesModule;
    const stage = await stages.loadStage(job.stage);
    const { config, unread } = trackReads(job.config as object);
    const context = {
      ...contextOf({ ...job, config }, await stages.loadRegistries()),
      plainConfig: job.config,
    };
    if (job.mode === 'plan') {
      if (stage.plan === undefined) {
        throw new SluiceError('usage.no_plan', `${job.stage} cannot be planned ahead`, {
          hint: 'it runs no program, or its programs depend on what it reads; prepare, the training stages, stage_2 and bench have plans',
        });
      }
      const plan = await stage.plan(context);
      send({ type: 'plan', plan: typeof plan === 'string' ? { text: plan } : plan });
    } else {
      await stage.run(context);
      tellUnread(unread(), job);
    }
    leave({ type: 'done', peakMemoryBytes: process.resourceUsage().maxRSS * 1024 });
  } catch (error) {
    process.exitCode = 1;
    leave({ type: 'failed', error: describe(error, job) });
  }
}

function contextOf(job: Job, registries: Registries): Omit<StageContext, 'plainConfig'> {
  return {
    config: job.config,
    runDirectory: job.runDirectory,
    resolvePath: (path) => (isAbsolute(path) ? path : resolve(job.root, path)),
    signal: abort.signal,
    takeCheckpointRequest() {
      const asked = checkpointAsked;
      checkpointAsked = false;
      return asked;
    },
    isWatched: () => process.connected,
    registries,
    emit: (event) => send({ type: 'event', event }),
    log: (level, text, logger) =>
      send({ type: 'event', event: { type: 'log', level, text, ...(logger && { logger }) } }),
    addInput: (name, path) => send({ type: 'input', name, path: resolve(job.root, path) }),
    addOutput: (name, path) => send({ type: 'output', name, path: resolve(job.runDirectory, path) }),
    addFact: (key, value) => send({ type: 'fact', key, value }),
  };
}

// A key under a condition that does not hold was refused before the start, or is excused. Any other that the stage did not
// read is a fault of the stage or its schema: the run is good, but a value that somebody set had no effect.
function tellUnread(unread: readonly string[], { stage, mayStayUnread }: Job): void {
  if (mayStayUnread === undefined) return;
  const excused = (path: string) =>
    mayStayUnread.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  const keys = unread.filter((path) => !excused(path));
  if (keys.length === 0) return;
  const text = `${stage} never read ${keys.join(', ')}: what the config says there had no effect`;
  send({ type: 'event', event: { type: 'log', level: 'warning', text } });
  send({ type: 'fact', key: 'unread_keys', value: keys });
}

function describe(error: unknown, job: Job): RunError {
  // Node's own functions, given our signal, throw these.
  const aborted = abort.signal.aborted && error instanceof Error && error.name === 'AbortError';
  return aborted ? { code: 'interrupted', message: `${job.stage} was interrupted` } : runError(error);
}

function send(message: FromStage): void {
  if (process.connected) process.send!(cloneable(message));
}

// A stage may hand on a part of its config, and the tracked view of that cannot be cloned.
function cloneable(message: FromStage): FromStage {
  try {
    return structuredClone(message);
  } catch {
    return JSON.parse(JSON.stringify(message)) as FromStage;
  }
}

// Messages are queued: ending only after the last one was handed over keeps them all.
function leave(last: FromStage): void {
  if (process.connected) process.send!(last, () => process.exit());
  else process.exit();
}
