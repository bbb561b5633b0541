import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeSafetensors } from '../../src/checkpoint/index.js';
import { Checks } from '../../src/golden/checks.js';
import { Tensors } from '../../src/golden/fixture.js';
import { compareNarrow, sameExperts } from '../../src/golden/narrow.js';

/** Two rows of three tokens, two logits each, one expert of each token in two layers. */
describe('bf16 logits against the fp32 ones', () => {
  let tensors: Tensors;
  let folder: string;
  const expert = Int32Array.of(0, 1, 2, 0, 1, 2);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-golden-'));
    const f32 = (values: number[]) => Float32Array.from(values);
    const tensor = (
      name: string,
      dtype: 'F32' | 'I32',
      shape: number[],
      data: Float32Array | Int32Array,
    ) => ({
      name,
      dtype,
      shape,
      data,
    });
    writeSafetensors(join(folder, 'golden.safetensors'), [
      tensor('full.input_ids', 'I32', [2, 3], new Int32Array(6)),
      tensor('full.logits', 'F32', [2, 3, 2], f32(new Array(12).fill(1))),
      tensor('full.logits_bf16', 'F32', [2, 3, 2], f32(new Array(12).fill(1.5))),
      tensor('full.router_topk_index.0', 'I32', [2, 3, 1], expert),
      tensor('full.router_topk_index.1', 'I32', [2, 3, 1], expert),
    ]);
    tensors = new Tensors(folder, 'golden.safetensors');
  });
  after(() => rmSync(folder, { recursive: true }));

  const changed = (token: number) => expert.map((value, i) => (i === token ? 5 : value));
  const rows: [name: string, choices: Int32Array[], kept: number[]][] = [
    ['all tokens where every router chose the same', [expert, expert], [0, 1, 2, 3, 4, 5]],
    ['none from a token on that chose otherwise, in its row', [expert, changed(1)], [0, 3, 4, 5]],
    ['none of the rows that begin so', [changed(0), changed(3)], []],
  ];
  for (const [name, choices, kept] of rows) {
    it(`count ${name}`, () => {
      const counts = sameExperts(choices, tensors);
      expect([0, 1, 2, 3, 4, 5].filter(counts)).to.deep.equal(kept);
      // off by 0.25 where they count, by 100 elsewhere
      const logits = Float32Array.from({ length: 12 }, (_, i) => (counts(i >> 1) ? 1.25 : 101));
      const checks = new Checks('models/mine');
      compareNarrow(checks, logits, tensors, counts);
      expect(checks.list.map(({ error, tolerance }) => [error, tolerance])).to.deep.equal(
        kept.length > 0 ? [[0.25, 0.625]] : [],
      );
      expect(checks.notes).to.have.length(kept.length > 0 ? 0 : 1);
    });
  }
});
