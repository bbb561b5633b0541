import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { OpenSink } from '../../src/telemetry/sinks/sink.js';

const end = { status: 'done', endedAt: '2026-01-31T12:00:00.000Z', exitCode: 0, result: {} } as const;

export interface ReadPoint {
  step: number;
  seconds: number;
  values: Record<string, number>;
}

/**
 * What every metrics sink must do. `read` gives back all points of a run folder in order, by means of its own; `digits`
 * is how many decimal digits of a value the format keeps.
 */
export function metricsSinkContract(
  name: string,
  open: OpenSink,
  digits: number,
  read: (folder: string) => ReadPoint[],
): void {
  describe(`the ${name} sink`, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const write = async (points: ReadPoint[], at = 1000) => {
      const sink = open(folder, at);
      for (const { step, seconds, values } of points) sink.write({ type: 'metrics', step, values }, seconds);
      await sink.close(end);
    };

    it('gives back every point, in order, with its time', async () => {
      const points = Array.from({ length: 300 }, (_, i) => ({
        step: i + 1,
        seconds: 1700000000.25 + i,
        values: { 'train/loss': 1 / (i + 1), 'train/learning_rate': 1e-4 * i },
      }));
      await write(points);
      expectClose(read(folder), points, digits);
    });

    it('keeps names with slashes, blanks and letters beyond ASCII', async () => {
      const points = [{ step: 1, seconds: 5, values: { 'a/b/c': 1, 'été 1': 2 } }];
      await write(points);
      expectClose(read(folder), points, digits);
    });

    it('keeps numbers that are not finite, and large steps', async () => {
      const values = {
        nan: Number.NaN,
        up: Number.POSITIVE_INFINITY,
        down: Number.NEGATIVE_INFINITY,
        zero: 0,
      };
      const points = [{ step: 2 ** 40, seconds: 5, values }];
      await write(points);
      expectClose(read(folder), points, digits);
    });

    it('adds to what a former process of the run wrote', async () => {
      const points = [1, 2].map((step) => ({ step, seconds: step, values: { loss: step } }));
      await write([points[0]!], 1000);
      await write([points[1]!], 2000);
      expectClose(read(folder), points, digits);
    });

    it('tells when it cannot write', async () => {
      const file = join(folder, 'a-file');
      writeFileSync(file, '');
      const writeBelowFile = async () => {
        const sink = open(join(file, 'run'), 0);
        sink.write({ type: 'metrics', step: 1, values: { loss: 1 } }, 1);
        await sink.close(end);
      };
      const told = await writeBelowFile().catch((error: unknown) => error);
      expect(told).to.be.an('error').with.property('code', 'ENOTDIR');
    });
  });
}

function expectClose(actual: ReadPoint[], expected: ReadPoint[], digits: number): void {
  expect(actual.map(({ step, seconds }) => [step, seconds])).to.deep.equal(
    expected.map(({ step, seconds }) => [step, seconds]),
  );
  actual.forEach((point, i) => {
    const wanted = expected[i]!.values;
    expect(Object.keys(point.values)).to.deep.equal(Object.keys(wanted));
    for (const [key, value] of Object.entries(wanted)) {
      const got = point.values[key]!;
      if (Number.isFinite(value)) expect(got).to.be.closeTo(value, Math.abs(value) * 10 ** -digits);
      else expect(Object.is(got, value), `${key}: ${got} for ${value}`).to.equal(true);
    }
  });
}
