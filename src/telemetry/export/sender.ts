/** The process that sends the metrics of one run to one server. Started by live-export.ts, never imported. */
import type { RunEnd } from './run-info.js';
import { type SendJob, sendLoop } from './send-loop.js';

export type ToSender = { job: SendJob } | { end: RunEnd };
export type FromSender = { warning: string } | 'done';

const ended = new Promise<RunEnd>((resolve) => {
  process.on('message', (message: ToSender) => {
    if ('end' in message) resolve(message.end);
    else void send(message.job);
  });
});

// At once: an end in order would wait for a name that is still being looked up.
const leave = () => process.kill(process.pid, 'SIGKILL');
process.on('disconnect', leave); // the watcher of the run is gone

async function send(job: SendJob): Promise<void> {
  await sendLoop(job, ended, (warning) => tell({ warning }));
  tell('done', leave);
}

function tell(message: FromSender, then = () => {}): void {
  if (process.connected) process.send!(message, then);
}
