import { Listr, ListrTaskState, type ListrTaskWrapper, ProcessOutput } from 'listr2';
import type { Display, EndStatus } from './display.js';
import { clock, progressText, skippedText } from './progress-text.js';

type Task = ListrTaskWrapper<unknown, never, never>;

/** A live tree for a terminal: every step with its mark, those that run with their progress and last log line below. */
export function openTree(steps: string[], stream: NodeJS.WriteStream): Display {
  const nodes = new Map(steps.map((step) => [step, new Step()]));
  const warnings: string[] = [];
  const tree = new Listr(
    steps.map((step) => ({
      title: step,
      task: (_: unknown, task) => nodes.get(step)!.attach(task as unknown as Task),
    })),
    {
      concurrent: true, // to the tree all have begun; a step that has not says so by its own mark
      exitOnError: false,
      registerSignalListeners: false, // what Ctrl-C means is the runner's decision
      rendererOptions: {
        collapseErrors: false,
        showErrorMessage: false,
        outputBar: 4,
        processOutput: new ProcessOutput(stream, stream),
        lazy: false,
      } as never,
    },
  );
  const drawn = tree.run().catch(() => {}); // a failed step is told by `ended`; the tree only draws it

  return {
    started: (step, folder) => nodes.get(step)?.start(folder),
    event(step, event) {
      if (event.type === 'progress')
        nodes.get(step)?.say({ progress: progressText(event), ...(event.text && { line: event.text }) });
      if (event.type !== 'log') return;
      nodes.get(step)?.say({ line: event.text });
      if (event.level === 'warning' || event.level === 'error')
        warnings.push(`[${step}] ${event.level}: ${event.text}`);
    },
    note(text) {
      for (const node of nodes.values()) node.note(text);
    },
    ended: (step, status, seconds) => nodes.get(step)?.end(status, seconds),
    skipped: (step, reason, folder) => nodes.get(step)?.skip(skippedText(reason, folder)),
    async close() {
      for (const node of nodes.values()) node.drop();
      await drawn;
      for (const warning of warnings) stream.write(`${warning}\n`); // the tree forgets them, a person should not
    },
  };
}

/** One line of the tree: listr2 waits on its promise, the runner settles it. */
class Step {
  private task: Task | undefined;
  private running = false;
  private shown: { folder?: string; progress?: string; line?: string } = {};
  private settle: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  private readonly finished = new Promise<void>((resolve, reject) => (this.settle = { resolve, reject }));

  constructor() {
    this.finished.catch(() => {}); // a step may fail before the tree reached it
  }

  attach(task: Task): Promise<void> {
    this.task = task;
    if (!this.running) task.task.state$ = ListrTaskState.WAITING;
    this.draw();
    return this.finished;
  }

  start(folder: string): void {
    this.running = true;
    if (this.task !== undefined) this.task.task.state$ = ListrTaskState.STARTED;
    this.say({ folder });
  }

  say(news: { folder?: string; progress?: string; line?: string }): void {
    Object.assign(this.shown, news);
    this.draw();
  }

  note(line: string): void {
    if (this.running) this.say({ line });
  }

  end(status: EndStatus, seconds: number): void {
    this.running = false;
    if (this.task !== undefined)
      this.task.title += `  ${status === 'done' ? '' : `${status} after `}${clock(seconds)}`;
    if (status === 'done' || status === 'pruned') this.settle.resolve();
    else this.settle.reject(new Error(status));
  }

  skip(text: string): void {
    if (this.task !== undefined) {
      this.task.title += `  ${text}`;
      this.task.skip();
    }
    this.settle.resolve();
  }

  /** For steps that never started. */
  drop(): void {
    this.settle.resolve();
  }

  private draw(): void {
    const { folder, progress, line } = this.shown;
    if (this.task !== undefined) this.task.output = [progress, line ?? folder].filter(Boolean).join('\n');
  }
}
