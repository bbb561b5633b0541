import { mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LogEvent } from '../../telemetry/event.js';
import { AppendFile } from '../../telemetry/sinks/append-file.js';
import { formatRecord, type LogRecord } from './format-record.js';
import { levelNumber } from './level.js';
import type { HandlerSettings, LoggerSettings, LogSettings } from './settings.js';

const tailLength = 20;

/** The log of one job: its files and the display, each getting what the settings let through, and the last lines. */
export class JobLog {
  private readonly settings: LogSettings;
  private readonly name: string;
  private readonly show: (event: LogEvent) => void;
  private readonly files = new Map<HandlerSettings, AppendFile>();
  private readonly last: string[] = [];

  /** `name` is the logger of records that name none. Relative paths of files resolve against `root`. */
  constructor(settings: LogSettings, name: string, root: string, show: (event: LogEvent) => void) {
    this.settings = settings;
    this.name = name;
    this.show = show;
    for (const handler of settings.handlers.values())
      if (handler.kind === 'file') this.files.set(handler, open(handler, root));
  }

  /** Where the first file is; undefined without one. */
  get path(): string | undefined {
    return [...this.files.values()][0]?.path;
  }

  /** Whether lines of this level of the job's own logger go anywhere. */
  lets(level: LogEvent['level']): boolean {
    return this.handlersOf({ name: this.name, level }).length > 0;
  }

  write(event: LogEvent): void {
    if (event.level !== 'debug') this.remember(event.text);
    const record = {
      name: event.logger ?? this.name,
      level: event.level,
      text: event.text,
      time: new Date(),
    };
    for (const handler of this.handlersOf(record)) {
      if (handler.kind === 'console') this.show(event);
      else this.toFile(handler, record);
    }
  }

  /** For what the command tells on the terminal in its own way: to the files alone. */
  writeToFiles(level: LogEvent['level'], text: string): void {
    const record = { name: this.name, level, text, time: new Date() };
    for (const handler of this.handlersOf(record)) this.toFile(handler, record);
  }

  /** What the process printed by itself, as it came: to the files. */
  writeRaw(line: string): void {
    this.remember(line);
    for (const file of this.files.values()) file.write(`${line}\n`);
  }

  get tail(): string {
    return this.last.join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }

  // As in Python: the level of the nearest logger that has one, then the handlers of all up to the root.
  private handlersOf({ name, level }: Pick<LogRecord, 'name' | 'level'>): HandlerSettings[] {
    const { handlers } = this.settings;
    const loggers = this.lineage(name);
    const number = levelNumber(level)!;
    const limit = loggers.find((logger) => logger.level !== undefined)?.level ?? 0;
    if (number < limit) return [];
    const upTo = loggers.findIndex((logger) => !logger.propagate);
    const reached = upTo < 0 ? loggers : loggers.slice(0, upTo + 1);
    return reached
      .flatMap((logger) => logger.handlers.map((each) => handlers.get(each)!))
      .filter((handler) => number >= handler.level);
  }

  /** `a.b` -> the loggers `a.b`, `a` and the root, where the settings have them. */
  private lineage(name: string): LoggerSettings[] {
    const words = name.split('.');
    const names = words.map((_, index) => words.slice(0, words.length - index).join('.'));
    return [...names, ''].flatMap((each) => this.settings.loggers.get(each) ?? []);
  }

  private toFile(handler: HandlerSettings, record: LogRecord): void {
    this.files.get(handler)?.write(`${formatRecord(record, handler.format, handler.dateFormat)}\n`);
  }

  private remember(line: string): void {
    this.last.push(line);
    if (this.last.length > tailLength) this.last.shift();
  }
}

function open({ path, append }: HandlerSettings, root: string): AppendFile {
  const file = resolve(root, path);
  mkdirSync(dirname(file), { recursive: true });
  if (!append) rmSync(file, { force: true });
  return new AppendFile(file);
}
