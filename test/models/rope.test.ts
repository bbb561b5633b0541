import { expect } from 'chai';
import { readRope } from '../../src/models/blocks/rope.js';
import { ConfigReader } from '../../src/models/config-reader.js';

const scaled = (max: number, theta: number, settings: Record<string, unknown>) => ({
  v5: { max_position_embeddings: max, rope_parameters: { ...settings, rope_theta: theta } },
  v4: { max_position_embeddings: max, rope_theta: theta, rope_scaling: settings },
});

// head size 16; recorded from transformers 5.17, ROPE_INIT_FUNCTIONS
const cases: [
  name: string,
  configs: Record<string, Record<string, unknown>>,
  invFreq: number[],
  scale: number,
][] = [
  [
    'linear',
    scaled(256, 10000, { rope_type: 'linear', factor: 2.5 }),
    [
      0.400000006, 0.1264911, 0.0399999991, 0.0126491114, 0.00399999972, 0.00126491114, 0.000400000019,
      0.000126491112,
    ],
    1,
  ],
  [
    'llama3',
    scaled(256, 500, {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    }),
    [1, 0.237489685, 0.0311854575, 0.0121561559, 0.00559017016, 0.0025707141, 0.00118217699, 0.000543639821],
    1,
  ],
  [
    'yarn',
    scaled(256, 100, {
      rope_type: 'yarn',
      factor: 4,
      beta_fast: 8,
      beta_slow: 1,
      original_max_position_embeddings: 64,
    }),
    [1, 0.477990121, 0.221359432, 0.0978053659, 0.0399999991, 0.0140585322, 0.00790569466, 0.00444569858],
    1.138629436111989,
  ],
  [
    'yarn with mscale',
    scaled(1024, 10000, {
      rope_type: 'yarn',
      factor: 16,
      original_max_position_embeddings: 64,
      mscale: 1,
      mscale_all_dim: 0.7,
    }),
    [
      1, 0.217406571, 0.0374999978, 0.00197642366, 0.000624999986, 0.000197642366, 6.2500003e-5,
      1.97642366e-5,
    ],
    1.0696582953754117,
  ],
];

describe('rotary embedding', () => {
  for (const [name, configs, invFreq, scale] of cases) {
    for (const [version, config] of Object.entries(configs)) {
      it(`${name} in keys of ${version} has the reference's frequencies`, () => {
        const rope = readRope(new ConfigReader(config, 'config.json'), 16);
        rope.invFreq.forEach((frequency, i) => {
          expect(frequency / invFreq[i]! - 1).to.be.closeTo(0, 3e-7);
        });
        expect(rope.scale).to.be.closeTo(scale, 1e-12);
      });
    }
  }

  it('rotates only the share of a head that partial_rotary_factor gives it', () => {
    const config = new ConfigReader({ rope_theta: 10000, partial_rotary_factor: 0.5 }, 'config.json');
    expect(readRope(config, 16).invFreq).to.have.length(4);
  });
});
