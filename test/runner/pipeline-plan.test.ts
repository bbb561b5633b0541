import { expect } from 'chai';
import { overrideText, planPipeline, stepOverrides } from '../../src/runner/pipeline-plan.js';

describe('a pipeline plan', () => {
  it('runs a step after those whose outputs it uses or names, otherwise in the written order', () => {
    const steps = {
      compare: { stage: 'evaluate', config: { models: ['${steps.base.model}', '${steps.tuned.model}'] } },
      tuned: { stage: 'finetune', overrides: ['model=${steps.base.model}'], needs: ['prepare'] },
      prepare: { stage: 'prepare' },
      base: { stage: 'pretrain' },
    };
    const plan = planPipeline({ steps });
    expect(plan.map(({ name }) => name)).to.deep.equal(['prepare', 'base', 'tuned', 'compare']);
    expect(plan[2]).to.deep.equal({
      name: 'tuned',
      stage: 'finetune',
      needs: ['prepare', 'base'],
      uses: [{ step: 'base', output: 'model' }],
      reuse: true,
    });
    expect(plan[3]!.uses).to.deep.equal([
      { step: 'base', output: 'model' },
      { step: 'tuned', output: 'model' },
    ]);
  });

  const wrong: { name: string; config: Record<string, unknown>; message: string }[] = [
    { name: 'without steps', config: { step: {} }, message: 'the pipeline has no steps' },
    { name: 'with an empty steps mapping', config: { steps: {} }, message: 'the pipeline has no steps' },
    {
      name: 'whose step has no stage',
      config: { steps: { a: {} } },
      message: 'the pipeline step a names no stage',
    },
    {
      name: 'whose step has a key nobody reads',
      config: { steps: { a: { stage: 's', override: [] } } },
      message: 'the pipeline step a has an unknown key override',
    },
    {
      name: 'that uses a step that is not there',
      config: { steps: { a: { stage: 's', overrides: ['x=${steps.b.y}'] } } },
      message: 'the pipeline step a needs an unknown step b',
    },
    {
      name: 'whose steps wait for each other',
      config: {
        steps: { a: { stage: 's', needs: ['b'] }, b: { stage: 's', needs: ['a'] }, c: { stage: 's' } },
      },
      message: 'the pipeline steps wait for each other: a, b',
    },
  ];
  for (const { name, config, message } of wrong) {
    it(`${name} is refused`, () => {
      expect(() => planPipeline(config))
        .to.throw(message)
        .with.property('code', 'config.pipeline');
    });
  }
});

describe('the overrides of a step', () => {
  it('are its overrides, then the leaves of its config', () => {
    const step = {
      stage: 's',
      overrides: ['+a=1'],
      config: { b: { c: 1e-4, d: [1, 'x'] }, e: null, f: {}, g: true },
    };
    const overrides = stepOverrides({ steps: { step } }, 'step');
    expect(overrides.slice(0, 2).map(({ path }) => path)).to.deep.equal([
      'steps.step.overrides[0]',
      'steps.step.config.b.c',
    ]);
    expect(overrides.map(({ text }) => text)).to.deep.equal([
      '+a=1',
      'b.c=0.0001',
      "b.d=[1,'x']",
      'e=null',
      'f={}',
      'g=true',
    ]);
  });

  const texts: [unknown, string][] = [
    ['plain', "'plain'"],
    ['', "''"],
    ["it's", "'it\\'s'"],
    ['a\\b', "'a\\b'"],
    ["a\\'b", "'a\\\\\\'b'"],
    ['ends with \\', "'ends with \\\\'"],
    [{ 'k e': [1.5, null] }, '{k e:[1.5,null]}'],
  ];
  for (const [value, text] of texts) {
    it(`write ${JSON.stringify(value)} so that it comes back the same`, () =>
      expect(overrideText(value)).to.equal(text));
  }
});
