import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  f32ToBf16,
  type StoredDtype,
  type TensorToWrite,
  writeSafetensors,
} from '../../src/checkpoint/index.js';
import { openEngine } from '../../src/engine/index.js';
import { SluiceError } from '../../src/errors.js';
import {
  buildModel,
  collectWeights,
  loadWeights,
  type Model,
  type StateStore,
} from '../../src/models/index.js';
import { setFormulaWeights } from './formula-weights.js';
import { ReferenceSession } from './reference-session.js';

const olmoe = {
  model_type: 'olmoe',
  vocab_size: 70,
  hidden_size: 200, // a block of 128 columns and a part of one
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_experts: 3,
  num_experts_per_tok: 1,
};
const gpt2 = { model_type: 'gpt2', vocab_size: 19, n_embd: 144, n_layer: 1, n_head: 2, n_positions: 16 };

const storages = [
  { dtype: 'f32', quantization: null },
  { dtype: 'bf16', quantization: null },
  { dtype: 'f32', quantization: 'int8' },
  { dtype: 'bf16', quantization: 'nf4' },
] as const;

describe('weights read natively', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-read-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const [family, config, dtype] of [
    ['stacks of experts', olmoe, 'F32'],
    ['stacks of experts', olmoe, 'BF16'],
    ['stacks of experts', olmoe, 'F16'],
    ['stacks of experts', olmoe, 'F64'],
    ['transposed projections', gpt2, 'F32'],
    ['transposed projections', gpt2, 'F16'],
  ] as const) {
    it(`are those read one by one, to the bit: ${family} in ${dtype}, held in every way`, async () => {
      const plain = await buildModel(config);
      writeSafetensors(join(folder, 'model.safetensors'), oddWeights(plain, dtype));
      const engine = await openEngine();
      for (const storage of storages) {
        const model = plain.stored(storage);
        const session = engine.session({ device: 'cpu', threads: 2 });
        loadWeights(model, folder, session);
        const expected = new Map<string, ArrayBufferView>();
        loadWeights(model, folder, collecting(expected));
        expect(session.states()).to.have.lengthOf(expected.size);
        for (const [name, data] of expected)
          expect(bytesOf(session.getState(name).data), `${name} as ${JSON.stringify(storage)}`).to.deep.equal(
            bytesOf(data),
          );
        session.close();
      }
    });
  }

  it('of a file that was cut while it was open are refused with its name and where it ends', async () => {
    const model = await buildModel(olmoe);
    const path = join(folder, 'model.safetensors');
    writeSafetensors(path, oddWeights(model, 'F32'));
    const session = (await openEngine()).session({ device: 'cpu', threads: 2 });
    const cutting: StateStore = {
      setState: (...state) => session.setState(...state),
      getState: (name) => session.getState(name),
      readWeights: (weights) => {
        truncateSync(path, 100_000);
        session.readWeights(weights);
      },
    };
    expect(() => loadWeights(model, folder, cutting))
      .to.throw(SluiceError, `${path}: the file ends at byte 100000 while it is being read`)
      .with.property('code', 'engine.weights');
    session.close();
  });

  it('do not go into a state of another size', async () => {
    const session = (await openEngine()).session({ device: 'cpu', threads: 1 });
    session.setState('w', 'f32', [2, 3], null);
    const part = { descriptor: 0, file: 'x', start: 0, dtype: 'F32' } as const;
    const weight = {
      state: 'w',
      held: 'f32',
      rows: 3,
      columns: 3,
      transposed: false,
      parts: [part],
    } as const;
    expect(() => session.readWeights([weight])).to.throw(SluiceError, 'state "w" does not have the 36 bytes');
    session.close();
  });
});

/** Waves, and among them what conversions get wrong first: subnormals, ties, infinities' neighbours, signed zeros. */
function oddWeights(model: Model, dtype: StoredDtype): TensorToWrite[] {
  const session = new ReferenceSession();
  setFormulaWeights(model, session);
  return collectWeights(model.parameters(), session).map((tensor) => {
    const view = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
    const values = new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    values.set(
      [0, -0, 1e-41, -3e-39, 1.00390625, 1.01171875, 3e38, -65504, 2 ** -24, 6e-8],
      values.length >> 1,
    );
    return { ...tensor, dtype, data: stored(values, dtype) };
  });
}

function stored(values: Float32Array, dtype: StoredDtype): ArrayBufferView {
  if (dtype === 'F64') return Float64Array.from(values, (value) => value * (1 + 2 ** -30));
  if (dtype === 'BF16') return f32ToBf16(values);
  // any bits are a number, infinities and NaN aside
  if (dtype === 'F16')
    return Uint16Array.from(values, (_, i) => ((i * 40503) & 0xffff & ~0x4000) | (i % 2 ? 0x2000 : 0));
  return values;
}

/** A store without native reading. */
const collecting = (states: Map<string, ArrayBufferView>): StateStore => ({
  setState: (name, _dtype, _shape, data) => {
    states.set(name, data!);
  },
  getState: () => {
    throw new Error('nothing is read back');
  },
});

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
