import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openCsvSink } from '../../src/telemetry/sinks/csv.js';
import { openJsonlSink } from '../../src/telemetry/sinks/jsonl.js';
import { openTensorboardSink } from '../../src/telemetry/sinks/tensorboard.js';
import { metricsSinkContract, type ReadPoint } from '../contract/metrics-sink.js';
import { readEvents } from './fixtures/read-events.js';

metricsSinkContract('jsonl', openJsonlSink, 15, (folder) =>
  readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { step, time, ...values } = JSON.parse(line) as Record<string, string>;
      const numbers = Object.entries(values).map(([key, value]) => [key, Number(value)]);
      return { step: Number(step), seconds: Date.parse(time!) / 1000, values: Object.fromEntries(numbers) };
    }),
);

describe('metrics.jsonl', () => {
  it('has what a clock made last, so that runs can be compared by what stands before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
    const sink = openJsonlSink(folder);
    const values = { 'train/mfu': 0.5, 'train/loss': 4.2 };
    sink.write({ type: 'metrics', step: 1, values, measured: ['train/mfu'] }, 0);
    await sink.close();
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).to.equal(
      '{"step":1,"train/loss":4.2,"time":"1970-01-01T00:00:00.000Z","train/mfu":0.5}\n',
    );
    rmSync(folder, { recursive: true });
  });
});

metricsSinkContract('csv', openCsvSink, 15, (folder) => {
  const [header, ...lines] = readFileSync(join(folder, 'metrics.csv'), 'utf8').trimEnd().split('\n');
  expect(header).to.equal('step,time,metric,value');
  const points: ReadPoint[] = [];
  for (const [step, time, metric, value] of lines.map((line) => line.split(','))) {
    const seconds = Date.parse(time!) / 1000;
    if (points.at(-1)?.step !== Number(step)) points.push({ step: Number(step), seconds, values: {} });
    points.at(-1)!.values[metric!] = Number(value);
  }
  return points;
});

const eventFiles = (folder: string) =>
  readdirSync(join(folder, 'tensorboard'))
    .sort()
    .map((name) => join(folder, 'tensorboard', name));

metricsSinkContract('tensorboard', openTensorboardSink, 7, (folder) =>
  eventFiles(folder).flatMap((file) => {
    const [first, ...events] = readEvents(readFileSync(file));
    expect(first).to.include({ fileVersion: 'brain.Event:2' });
    return events.map(({ step, wallTime, values }): ReadPoint => ({ step, seconds: wallTime, values }));
  }),
);
