import { join } from 'node:path';
import { AppendFile } from '../telemetry/sinks/append-file.js';

const tailLength = 20;

/** run.log in Hydra's line form, `[2026-01-31 12:00:00,123][stage_1_pretrain][INFO] - text`, and its last lines. */
export class RunLog {
  readonly path: string;
  private readonly file: AppendFile;
  private readonly stage: string;
  private readonly last: string[] = [];

  constructor(runDirectory: string, stage: string) {
    this.path = join(runDirectory, 'run.log');
    this.file = new AppendFile(this.path);
    this.stage = stage;
  }

  write(level: string, text: string): void {
    const time = localTime(new Date());
    this.file.write(`[${time}][${this.stage}][${level.toUpperCase()}] - ${text}\n`);
    this.remember(text);
  }

  /** What the process printed by itself, as it came. */
  writeRaw(line: string): void {
    this.file.write(`${line}\n`);
    this.remember(line);
  }

  get tail(): string {
    return this.last.join('\n');
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private remember(line: string): void {
    this.last.push(line);
    if (this.last.length > tailLength) this.last.shift();
  }
}

function localTime(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
}
