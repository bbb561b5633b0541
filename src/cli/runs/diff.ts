import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clock } from '../../runner/display/progress-text.js';
import type { MetricValue } from '../../runner/run-record.js';
import { compareRuns, type Difference, differ, type RunComparison } from '../../runner/runs/compare-runs.js';
import type { FoundRun } from '../../runner/runs/find-run.js';
import { shownStatus } from '../../runner/runs/shown-status.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { tableText } from '../table-text.js';
import { foundRun } from './find.js';
import { numberText, shortHash } from './texts.js';
import { readWords } from './words.js';

const form = { usage: './run runs diff A B', keys: [], plain: [2, 2] } as const;

/** `./run runs diff A B`: what differs in config, versions and inputs, and what both came to. */
export async function diffCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<void> {
  const [a, b] = readWords(words, form).plain.map((word) => foundRun(word, project)) as [FoundRun, FoundRun];
  const compared = compareRuns(a, b);
  const shown =
    log === 'json' ? JSON.stringify({ a: a.record.id, b: b.record.id, ...compared }) : text(a, b, compared);
  project.stdout.write(`${shown}\n`);
}

function text(
  a: FoundRun,
  b: FoundRun,
  { config, versions, inputs, outputs, metrics }: RunComparison,
): string {
  const overrides = [overrideKeys(a), overrideKeys(b)];
  const value = (key: string, at: 0 | 1, given: unknown) =>
    given === undefined ? '–' : `${JSON.stringify(given)}${overrides[at]!.has(key) ? ' (override)' : ''}`;
  const configRows = config.map(({ key, a, b }) => [key, value(key, 0, a), value(key, 1, b)]);
  const run = ({ record }: FoundRun) => [
    record.id,
    record.stage,
    shownStatus(record),
    record.durationSeconds === null ? '–' : clock(record.durationSeconds),
  ];
  const [left, right] = [run(a), run(b)];
  const about = ['run', 'stage', 'status', 'time'].map((name, row) => [name, left[row]!, right[row]!]);
  const parts = [
    tableText({ title: 'Runs', columns: ['', 'A', 'B'], rows: about }),
    config.length === 0
      ? 'Config: the same'
      : tableText({ title: 'Config', columns: ['key', 'A', 'B'], rows: configRows }),
    table(
      'Versions',
      versions.map(({ key, a, b }) => [key, a ?? '–', b ?? '–']),
    ),
    table('Inputs', inputs.map(hashRow)),
    table('Outputs', outputs.map(hashRow)),
    metrics.length === 0
      ? ''
      : tableText({
          title: 'Metrics, last values',
          columns: ['metric', 'A', 'B', 'B − A'],
          rows: metrics.map(metricRow),
        }),
  ];
  return parts.filter(Boolean).join('\n\n');
}

const table = (title: string, rows: string[][]) =>
  rows.length === 0 ? '' : tableText({ title, columns: ['name', 'A', 'B'], rows });

function hashRow(difference: Difference<string>): string[] {
  const { key, a, b } = difference;
  return [
    key,
    a === undefined ? '–' : shortHash(a),
    b === undefined ? '–' : differ(difference) ? shortHash(b) : 'the same',
  ];
}

function metricRow({ key, a, b }: Difference<MetricValue>): string[] {
  const both = typeof a === 'number' && typeof b === 'number';
  return [
    key,
    a === undefined ? '–' : numberText(a),
    b === undefined ? '–' : numberText(b),
    both ? numberText(b - a) : '',
  ];
}

// The keys that the command line set; what Hydra's file says, one `- key=value` a line.
function overrideKeys({ folder }: FoundRun): Set<string> {
  const path = join(folder, '.hydra', 'overrides.yaml');
  if (!existsSync(path)) return new Set();
  const found = readFileSync(path, 'utf8').matchAll(/^- ['"]?\+{0,2}([\w./-]+)=/gm);
  return new Set([...found].map(([, key]) => key!));
}
