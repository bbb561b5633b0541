import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { formatRecord } from '../../src/runner/logging/format-record.js';
import { JobLog } from '../../src/runner/logging/job-log.js';
import { readLogSettings } from '../../src/runner/logging/settings.js';
import type { LogEvent } from '../../src/telemetry/event.js';
import { logConfig } from './fixtures/project.js';

type Tree = Record<string, unknown>;
const base = logConfig('job.log') as Tree & { root: Tree; handlers: Record<string, Tree> };

describe('job logging', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const lines: [LogEvent['level'], string, string?][] = [
    ['debug', 'd'],
    ['info', 'i'],
    ['warning', 'w'],
    ['error', 'e'],
    ['debug', 'dd', 'data.reader'],
    ['info', 'di', 'data.reader'],
  ];

  /** What of `lines` reaches the display and the file. */
  async function logged(config: unknown, verbose: unknown): Promise<{ console: string; file: string }> {
    const shown: string[] = [];
    const settings = readLogSettings({ path: 'hydra.job_logging', value: config, verbose });
    const log = new JobLog(settings, 'train', root, ({ text }) => shown.push(text));
    for (const [level, text, logger] of lines)
      log.write({ type: 'log', level, text, ...(logger === undefined ? {} : { logger }) });
    await log.close();
    const file = log.path === undefined ? [] : readFileSync(log.path, 'utf8').trimEnd().split('\n');
    return { console: shown.join(' '), file: file.map((line) => line.split(' - ').at(-1)).join(' ') };
  }

  const file = (more: Tree) => ({
    ...base,
    handlers: { ...base.handlers, file: { ...base.handlers.file, ...more } },
  });
  const loggers = (more: Tree) => ({ ...base, loggers: { data: more } });
  const rows: { name: string; config: unknown; verbose?: unknown; console: string; file: string }[] = [
    { name: "Hydra's default", config: base, console: 'i w e di', file: 'i w e di' },
    {
      name: 'a level of the root',
      config: { ...base, root: { ...base.root, level: 'WARN' } },
      console: 'w e',
      file: 'w e',
    },
    { name: 'a level of a handler', config: file({ level: 'ERROR' }), console: 'i w e di', file: 'e' },
    { name: 'a level by number', config: file({ level: 30 }), console: 'i w e di', file: 'w e' },
    { name: 'no handler', config: { ...base, root: { level: 'ERROR' } }, console: '', file: '' },
    {
      name: 'the console alone',
      config: { ...base, root: { level: 'INFO', handlers: ['console'] } },
      console: 'i w e di',
      file: '',
    },
    { name: 'no root', config: { version: 1, root: null }, console: 'w e', file: '' },
    { name: 'no config', config: null, console: 'w e', file: '' },
    { name: 'verbose=true', config: base, verbose: true, console: 'd i w e dd di', file: 'd i w e dd di' },
    {
      name: 'verbose with one name',
      config: base,
      verbose: 'data',
      console: 'i w e dd di',
      file: 'i w e dd di',
    },
    {
      name: 'verbose with names',
      config: base,
      verbose: ['train', 'x'],
      console: 'd i w e di',
      file: 'd i w e di',
    },
    { name: 'a level of a logger', config: loggers({ level: 'CRITICAL' }), console: 'i w e', file: 'i w e' },
    {
      name: 'a logger that keeps its lines',
      config: loggers({ handlers: ['file'], propagate: false }),
      console: 'i w e',
      file: 'i w e di',
    },
  ];
  for (const { name, config, verbose = false, console, file } of rows) {
    it(`with ${name} lets through what Python's would`, async () => {
      expect(await logged(config, verbose)).to.deep.equal({ console, file });
    });
  }

  it('appends to its file, or begins it anew with mode w', async () => {
    for (const [mode, kept] of [
      ['a', 'old'],
      ['w', 'i'],
    ] as const) {
      writeFileSync(join(root, 'job.log'), 'old\n');
      expect((await logged(file({ mode }), false)).file.split(' ')[0]).to.equal(kept);
    }
  });

  const record = {
    name: 'train',
    level: 'info',
    text: '50 %s',
    time: new Date(2026, 0, 31, 12, 0, 0, 7),
  } as const;
  const formats: [string, string | undefined, string][] = [
    [
      '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s',
      undefined,
      '[2026-01-31 12:00:00,007][train][INFO] - 50 %s',
    ],
    ['%(asctime)s %(levelname)-8s|%(name)7s|', '%H:%M', '12:00 INFO    |  train|'],
    ['%(levelno)d %(msecs)03d %% %(lineno)d', undefined, '20 007 % %(lineno)d'],
  ];
  for (const [format, dateFormat, expected] of formats) {
    it(`writes a line as ${format}`, () => {
      expect(formatRecord(record, format, dateFormat)).to.equal(expected);
    });
  }

  const refused: [string, unknown, string, string | undefined][] = [
    [
      'a level',
      { ...base, root: { level: 'INFOO' } },
      'hydra.job_logging.root.level: there is no level INFOO',
      'did you mean INFO?',
    ],
    [
      'a handler',
      { ...base, root: { handlers: ['fil'] } },
      'hydra.job_logging.root.handlers: there is no handler fil',
      'did you mean file?',
    ],
    [
      'a class',
      file({ class: 'logging.Filehandler' }),
      'hydra.job_logging.handlers.file.class: there is no handler logging.Filehandler',
      'did you mean logging.FileHandler?',
    ],
    [
      'a formatter',
      file({ formatter: 'simpel' }),
      'hydra.job_logging.handlers.file.formatter: there is no formatter simpel',
      'did you mean simple?',
    ],
    [
      'a file',
      file({ filename: undefined }),
      'hydra.job_logging.handlers.file.filename: a file handler needs the path of its file',
      undefined,
    ],
  ];
  for (const [what, config, message, hint] of refused) {
    it(`names ${what} that is not there`, () => {
      const read = () => readLogSettings({ path: 'hydra.job_logging', value: config, verbose: false });
      expect(read).to.throw(message).with.property('code', 'config.logging');
      expect(read).to.throw().with.property('hint', hint);
    });
  }
});
