import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import type { FromStage, Job, ToStage } from '../job.js';
import type { JobEnd, JobListener, Launcher, RunningJob } from './launcher.js';
import { type SweepPolicyOptions, sweepPolicy } from './sweep-policy.js';

const childEntry = fileURLToPath(new URL('../child.js', import.meta.url));

// V8 lets the young part of its heap grow to 48 MB and keeps them; with 6 planning and preparing data are no slower.
// gc(): train/memory.ts.
const stageOptions = ['--enable-source-maps', '--max-semi-space-size=2', '--expose-gc'];

/** A child process on this machine, spoken to over Node's IPC channel. */
export const localLauncher: Launcher = { name: 'local', launch };

export const makeLocalLauncher = (options: SweepPolicyOptions = {}): Launcher => ({
  ...localLauncher,
  sweeps: sweepPolicy(options),
});

function launch(job: Job, listener: JobListener): RunningJob {
  const child = execaNode(childEntry, {
    ipc: true,
    cwd: job.workingDirectory,
    env: job.env,
    serialization: 'advanced',
    nodeOptions: stageOptions,
    stdin: 'ignore',
    buffer: false,
    reject: false,
  });
  const messagesRead = new Promise<void>((resolve) => child.once('disconnect', () => resolve()));
  child.on('message', (message: unknown) => listener.message(message as FromStage));
  const linesRead = Promise.all(
    [child.stdout, child.stderr].map((stream) => readLines(stream, listener.line)),
  );

  const tell = (message: ToStage) => {
    if (child.connected) child.send(message as never, () => {}); // a child that ends meanwhile is not an error here
  };
  tell({ type: 'start', job });

  const ended = child.then(async (result): Promise<JobEnd> => {
    // Without a pid nothing was started, and no channel will ever close.
    if (child.pid === undefined) return { exitCode: null, signal: null, startError: result };
    await Promise.all([messagesRead, linesRead]);
    return { exitCode: result.exitCode ?? null, signal: result.signal ?? null };
  });
  return {
    ended,
    abort: () => tell({ type: 'abort' }),
    checkpoint: () => tell({ type: 'checkpoint' }),
    kill: () => child.kill('SIGKILL'),
  };
}

// Resolves at the end of the stream. A last line without an end is a line too: crash reports end so.
async function readLines(stream: NodeJS.ReadableStream, line: (text: string) => void): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    lines.forEach(line);
  }
  if (rest !== '') line(rest);
}
