import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { listSteps, openLatestTrainingState, saveTrainingState } from '../../src/checkpoint/index.js';
import { SluiceError } from '../../src/errors.js';

const state = (step: number) => ({
  step,
  progress: { seed: 7, row: step * 10 },
  tensors: [{ name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(step, -step) } as const],
});

describe('training state', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const latest = (warnings: string[] = []) => openLatestTrainingState(folder, (text) => warnings.push(text));

  it('gives the newest state back whole', () => {
    for (const step of [2, 10, 9]) saveTrainingState(folder, state(step));
    const opened = latest()!;
    expect(opened).to.deep.include({ step: 10, progress: { seed: 7, row: 100 } });
    expect([...opened.tensors.readF32('w')]).to.deep.equal([10, -10]);
    opened.tensors.close();
    expect(listSteps(folder)).to.deep.equal([10, 9, 2]);
  });

  it('passes over what a kill in mid-write leaves behind', () => {
    saveTrainingState(folder, state(1));
    mkdirSync(join(folder, 'step_2.partial-1-abcd'));
    const warnings: string[] = [];
    expect(latest(warnings)!.step).to.equal(1);
    expect(warnings).to.deep.equal([]);
  });

  const damages: [name: string, damage: (path: string) => void, message: string][] = [
    [
      'cut short',
      (path) => truncateSync(join(path, 'state.safetensors'), 40),
      'state.safetensors has 40 bytes',
    ],
    ['changed by a bit', flipLastBit, 'state.safetensors does not have the recorded sha256'],
    ['missing a file', (path) => rmSync(join(path, 'progress.json')), 'progress.json is missing'],
    ['without a manifest', (path) => rmSync(join(path, 'manifest.json')), 'no readable manifest.json'],
  ];
  for (const [name, damage, message] of damages) {
    it(`takes the one before when the newest is ${name}, and says so`, () => {
      saveTrainingState(folder, state(1));
      damage(saveTrainingState(folder, state(2)));
      const warnings: string[] = [];
      expect(latest(warnings)!.step).to.equal(1);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include(message);
    });
  }

  it('that cannot be written into a locked folder says so, and leaves the ones before', () => {
    saveTrainingState(folder, state(1));
    chmodSync(folder, 0o555);
    const error = asNobody(() => {
      try {
        saveTrainingState(folder, state(2));
      } catch (caught) {
        return caught;
      }
      return undefined;
    });
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'checkpoint.write');
    const { message, where, hint } = error as SluiceError;
    expect(message).to.match(/^the checkpoint of step 2 cannot be written: EACCES/);
    expect(where).to.equal(join(folder, 'step_2'));
    expect(hint).to.equal('the folder cannot be written to: see its owner and mode');
    expect(readdirSync(folder)).to.deep.equal(['step_1']);
    expect(latest()!.step).to.equal(1);
  });

  it('has nothing to give from an empty or absent folder', () => {
    expect(latest()).to.equal(null);
    expect(openLatestTrainingState(join(folder, 'absent'), () => {})).to.equal(null);
  });
});

// No mode stops root.
function asNobody<Result>(work: () => Result): Result {
  if (process.getuid!() !== 0) return work();
  process.seteuid!(65534);
  try {
    return work();
  } finally {
    process.seteuid!(0);
  }
}

function flipLastBit(path: string): void {
  const file = join(path, 'state.safetensors');
  const bytes = readFileSync(file);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(file, bytes);
}
