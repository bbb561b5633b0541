import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SafetensorsFile } from '../../src/checkpoint/index.js';
import { writeSelection } from '../../src/select/index.js';

describe('the files of a selection', () => {
  const score = Float64Array.of(0.5, 0.1, 0.9, 0.3);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-selection-'));
    const samples = ['a', 'b', 'c', 'd'].map((id, row) => ({
      id,
      dataset: 'd',
      messages: [{ role: 'user' as const, content: id }],
      ...{ where: `pool.jsonl:${row + 1}`, tokens: 1, targets: 0, row, segment: 1, start: 0 },
    }));
    writeSelection(folder, {
      samples,
      scores: {
        score,
        layers: Float32Array.of(0.5, 0.5, 0.125, 0.25, 1, 0.75, 0.25, 0.25),
        moeLogits: new Float32Array(4 * 2 * 3),
        layerCount: 2,
        expertCount: 3,
      },
      kept: [2],
      random: [1],
      truth: new Map([['b', { quality: 0, defect: 'shuffled' }]]),
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  const rows = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('hold the kept rows best first and the dropped ones worst first', () => {
    expect(rows('selected_data.jsonl')).to.deep.equal([
      {
        dataset: 'd',
        id: 'c',
        scores: { quality: 0.9, layers: [1, 0.75] },
        messages: [{ role: 'user', content: 'c' }],
      },
    ]);
    expect(rows('random_data.jsonl').map(({ id }) => id)).to.deep.equal(['b']);
    expect(rows('dropped_examples.jsonl').map(({ id }) => id)).to.deep.equal(['b', 'd', 'a']);
  });

  it('say of every row of the pool what became of it, with the truth where it is known', () => {
    expect(rows('scores.jsonl')).to.deep.equal([
      { id: 'a', dataset: 'd', score: 0.5, kept: false },
      { id: 'b', dataset: 'd', score: 0.1, kept: false, quality: 0, defect: 'shuffled' },
      { id: 'c', dataset: 'd', score: 0.9, kept: true },
      { id: 'd', dataset: 'd', score: 0.3, kept: false },
    ]);
  });

  it('keep the means per row and layer in the order of the pool', () => {
    const file = new SafetensorsFile(join(folder, 'router_data', 'router_data.safetensors'));
    expect(file.entry('quality_score').shape).to.deep.equal([4, 2]);
    expect([...file.readF32('quality_score').subarray(4, 6)]).to.deep.equal([1, 0.75]);
    expect(file.entry('moe_logits').shape).to.deep.equal([4, 2, 3]);
    file.close();
  });
});
