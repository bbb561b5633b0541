import { execa, type ResultPromise } from 'execa';

/** What dies: the stage's own process, the command that watches it, or both at once. */
export type KillWhat = 'stage' | 'command' | 'both';

/** Kills a command of `--log json`, or its stage, with SIGKILL once it has taken so many steps; resolves when both are gone. */
export async function killAt(running: ResultPromise, step: number, what: KillWhat): Promise<void> {
  await new Promise<void>((resolve) => {
    let rest = '';
    running.stderr!.on('data', (chunk) => {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop()!;
      if (lines.some((line) => stepOf(line) >= step)) resolve();
    });
    running.once('exit', () => resolve());
  });
  await kill(running, what);
  await running;
}

/** `running` leads a process group of its own. False where the stage was to die and had not begun, or was over. */
export async function kill(running: ResultPromise, what: KillWhat): Promise<boolean> {
  if (what === 'both') {
    process.kill(-running.pid!, 'SIGKILL'); // at once: looking for the stage takes it steps further
    return true;
  }
  const stage = await stageProcess(running.pid!);
  if (what === 'command') running.kill('SIGKILL');
  else if (stage !== undefined) process.kill(stage, 'SIGKILL');
  return what !== 'stage' || stage !== undefined;
}

/** The process that a command started for its stage. */
export async function stageProcess(command: number): Promise<number | undefined> {
  const { stdout } = await execa('ps', ['-o', 'pid=,args=', '--ppid', String(command)], { reject: false });
  const line = stdout.split('\n').find((each) => each.includes('child.js'));
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

function stepOf(line: string): number {
  const event = line.startsWith('{') ? (JSON.parse(line) as { type?: string; at?: number }) : {};
  return event.type === 'progress' ? (event.at ?? 0) : 0;
}
