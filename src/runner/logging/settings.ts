import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import { levelNumber } from './level.js';

/** `hydra.job_logging` or `hydra.hydra_logging`, read: Python's `logging.config` form, as far as it makes sense here. */
export interface LogSettings {
  handlers: ReadonlyMap<string, HandlerSettings>;
  /** By dotted name; the root is ''. */
  loggers: ReadonlyMap<string, LoggerSettings>;
}

export interface HandlerSettings {
  /** `console` is the display, whose lines have its own form. */
  kind: 'console' | 'file' | 'none';
  level: number;
  /** As in Python: `[%(asctime)s][%(name)s][%(levelname)s] - %(message)s`. */
  format: string;
  /** strftime pattern of `%(asctime)s`; undefined: `2026-01-31 12:00:00,123`. */
  dateFormat: string | undefined;
  /** Of a file: where, absolute or relative to the project, and whether what is there stays. */
  path: string;
  append: boolean;
}

export interface LoggerSettings {
  level: number | undefined;
  handlers: string[];
  propagate: boolean;
}

type Tree = Record<string, unknown>;

const classes: Record<string, HandlerSettings['kind']> = {
  'logging.StreamHandler': 'console',
  'logging.FileHandler': 'file',
  'logging.NullHandler': 'none',
};

const debug = levelNumber('DEBUG')!;
const warning = levelNumber('WARNING')!;

/** What is read, where it stands in the config, and what set a value there. */
export interface LogConfig {
  /** The mapping itself; null where there is none. */
  value: unknown;
  /** `hydra.verbose`: true for the debug lines of all, or the names of loggers. */
  verbose: unknown;
  /** `hydra.job_logging` */
  path: string;
  /** The file:line or override that set the value at a path. */
  origin?(path: string): string | undefined;
}

/** Reads a logging config. Throws SluiceError `config.logging` for what is wrong with it. */
export function readLogSettings(config: LogConfig): LogSettings {
  const { value, verbose } = config;
  const settings = isTree(value) && value.root !== null ? new Reader(config, value).read() : unconfigured();
  for (const name of verboseLoggers(verbose)) {
    const logger = settings.loggers.get(name) ?? { handlers: [], propagate: true };
    settings.loggers.set(name, { ...logger, level: debug });
  }
  return settings;
}

interface MutableSettings extends LogSettings {
  loggers: Map<string, LoggerSettings>;
}

// Python then shows warnings and errors, bare.
function unconfigured(): MutableSettings {
  const level = warning;
  const handlers = new Map([['console', { ...bare, level }]]);
  return { handlers, loggers: new Map([['', { level, handlers: ['console'], propagate: true }]]) };
}

const bare: HandlerSettings = {
  kind: 'console',
  level: 0,
  format: '%(message)s',
  dateFormat: undefined,
  path: '',
  append: true,
};

class Reader {
  private readonly config: LogConfig;
  private readonly formatters: Map<string, unknown>;
  private readonly handlers: Map<string, unknown>;
  private readonly loggers: Map<string, unknown>;

  constructor(config: LogConfig, value: Tree) {
    this.config = config;
    this.formatters = entries(value.formatters);
    this.handlers = entries(value.handlers);
    this.loggers = new Map([['', value.root], ...entries(value.loggers)]);
  }

  read(): MutableSettings {
    const loggers = new Map([...this.loggers].map(([name, logger]) => [name, this.logger(name, logger)]));
    // A handler that no logger names would do nothing, and may be left over from another option.
    const named = new Set([...loggers.values()].flatMap((logger) => logger.handlers));
    return { loggers, handlers: new Map([...named].map((name) => [name, this.handler(name)])) };
  }

  private logger(name: string, logger: unknown): LoggerSettings {
    const at = name === '' ? 'root' : `loggers.${name}`;
    const fields = entries(logger);
    const names = listOf(fields.get('handlers'));
    for (const handler of names) {
      if (!this.handlers.has(handler))
        throw this.wrong(`${at}.handlers`, `there is no handler ${handler}`, handler, this.handlers.keys());
    }
    const level = this.level(fields.get('level'), `${at}.level`);
    return {
      level: name === '' ? (level ?? warning) : level || undefined,
      handlers: names,
      propagate: fields.get('propagate') !== false,
    };
  }

  private handler(name: string): HandlerSettings {
    const at = `handlers.${name}`;
    const fields = entries(this.handlers.get(name));
    const type = String(fields.get('class'));
    if (!Object.hasOwn(classes, type))
      throw this.wrong(`${at}.class`, `there is no handler ${type}`, type, Object.keys(classes));
    const kind = classes[type]!;
    const path = fields.get('filename');
    if (kind === 'file' && typeof path !== 'string')
      throw this.wrong(`${at}.filename`, 'a file handler needs the path of its file');
    const { format, datefmt } = this.formatter(fields.get('formatter'), `${at}.formatter`);
    return {
      kind,
      level: this.level(fields.get('level'), `${at}.level`) ?? 0,
      format: typeof format === 'string' ? format : bare.format,
      dateFormat: typeof datefmt === 'string' ? datefmt : undefined,
      path: String(path),
      append: fields.get('mode') !== 'w',
    };
  }

  private formatter(name: unknown, at: string): Tree {
    if (name === undefined || name === null) return {};
    const found = this.formatters.get(String(name));
    if (isTree(found)) return found;
    throw this.wrong(at, `there is no formatter ${name}`, String(name), this.formatters.keys());
  }

  private level(level: unknown, at: string): number | undefined {
    if (level === undefined || level === null) return undefined;
    const number = levelNumber(level);
    if (number !== undefined) return number;
    const names = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];
    throw this.wrong(at, `there is no level ${level}`, String(level), names);
  }

  private wrong(at: string, message: string, given = '', known: Iterable<string> = []): SluiceError {
    const path = `${this.config.path}.${at}`;
    const names = [...known];
    const [close] = nearest(given, names);
    const hint = close === undefined ? names.join(', ') : `did you mean ${close}?`;
    return new SluiceError('config.logging', `${path}: ${message}`, {
      where: this.config.origin?.(path) ?? path,
      ...(hint === '' ? {} : { hint }),
    });
  }
}

function verboseLoggers(verbose: unknown): string[] {
  if (verbose === true) return [''];
  const names = typeof verbose === 'string' ? [verbose] : listOf(verbose);
  return names.map((name) => (name === 'root' ? '' : name));
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const entries = (value: unknown): Map<string, unknown> => new Map(isTree(value) ? Object.entries(value) : []);
