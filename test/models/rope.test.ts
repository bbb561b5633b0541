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

const plain = [1, 0.316227764, 0.100000001, 0.0316227786, 0.01, 0.00316227786, 0.001, 0.000316227786];
const factors = (first: number, step: number) => Array.from({ length: 8 }, (_, i) => first + step * i);
const growing: [
  name: string,
  settings: Record<string, unknown>,
  byLength: [length: number, invFreq: number[]][],
  scale: number,
][] = [
  [
    'dynamic',
    { rope_type: 'dynamic', factor: 3 },
    [
      [32, plain],
      [64, plain],
      [
        200,
        [
          1, 0.237702638, 0.0565025434, 0.0134308031, 0.00319253746, 0.000758874579, 0.000180386472,
          4.28783387e-5,
        ],
      ],
    ],
    1,
  ],
  [
    'longrope',
    {
      rope_type: 'longrope',
      short_factor: factors(1, 0.1),
      long_factor: factors(1.5, 0.3),
      original_max_position_embeddings: 32,
    },
    [
      [
        32,
        [
          1, 0.287479758, 0.0833333358, 0.0243252143, 0.00714285718, 0.00210818532, 0.000624999986,
          0.000186016332,
        ],
      ],
      [
        33,
        [
          0.666666687, 0.175682098, 0.0476190485, 0.0131761562, 0.00370370364, 0.00105409266, 0.000303030305,
          8.78410501e-5,
        ],
      ],
    ],
    1.1832159566199232,
  ],
];

describe('rotary embedding', () => {
  for (const [name, configs, invFreq, scale] of cases) {
    for (const [version, config] of Object.entries(configs)) {
      it(`${name} in keys of ${version} has the reference's frequencies`, () => {
        const rope = readRope(new ConfigReader(config, 'config.json'), 16);
        rope.frequencies(64).forEach((frequency, i) => {
          expect(frequency / invFreq[i]! - 1).to.be.closeTo(0, 3e-7);
        });
        expect(rope.scale).to.be.closeTo(scale, 1e-12);
      });
    }
  }

  for (const [name, settings, byLength, scale] of growing) {
    it(`${name} has the reference's frequencies at each length`, () => {
      for (const config of Object.values(scaled(name === 'dynamic' ? 64 : 128, 10000, settings))) {
        const rope = readRope(new ConfigReader(config, 'config.json'), 16);
        for (const [length, invFreq] of byLength) {
          rope.frequencies(length).forEach((frequency, i) => {
            expect(frequency / invFreq[i]! - 1).to.be.closeTo(0, 3e-7);
          });
        }
        expect(rope.scale).to.be.closeTo(scale, 1e-12);
      }
    });
  }

  it('wants a longrope factor for every pair', () => {
    const settings = { ...growing[1]![1], long_factor: [1, 2] };
    const config = new ConfigReader(scaled(128, 10000, settings).v5, 'config.json');
    expect(() => readRope(config, 16)).to.throw('long_factor is [1,2], expected 8 numbers');
  });

  it('rotates only the share of a head that partial_rotary_factor gives it', () => {
    const config = new ConfigReader({ rope_theta: 10000, partial_rotary_factor: 0.5 }, 'config.json');
    expect(readRope(config, 16).frequencies(64)).to.have.length(4);
  });
});
