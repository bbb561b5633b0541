import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256OfFile } from '../../src/checkpoint/index.js';
import { SluiceError } from '../../src/errors.js';
import { buildModel, saveModelFolder, saveModelStandIn } from '../../src/models/index.js';
import type { MetricsEvent, TelemetryEvent } from '../../src/telemetry/event.js';
import { checkStart, type TrainingConfig } from '../../src/train/index.js';
import type { Start } from '../../src/train/start.js';
import { type Trained, tinyAdamW, trainTiny } from './tiny-run.js';

const checkpoint = ({ folder }: Trained, step: number) => join(folder, 'checkpoints', `step_${step}`);
const steps = ({ folder }: Trained) => readdirSync(join(folder, 'checkpoints')).sort();

/** Logged figures without what a clock made. */
function figures(events: readonly TelemetryEvent[]): unknown[] {
  return events
    .filter((event): event is MetricsEvent => event.type === 'metrics')
    .map(({ step, values, measured = [] }) => [
      step,
      Object.entries(values).filter(([name]) => !measured.includes(name)),
    ]);
}

describe('a run that is resumed', () => {
  const muon: TrainingConfig['optimizer'] = {
    name: 'muon',
    momentum: 0.95,
    nesterov: true,
    ns_steps: 5,
    adjust_lr_fn: 'match_rms_adamw',
    eps: 1e-7,
    weight_decay: 0.1,
    adamw: { lr_ratio: 1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 },
  };
  const narrow = { ...tinyAdamW, state_dtype: 'bf16', main_params_dtype: 'bf16' } as const;
  const cases: [name: string, training: Partial<TrainingConfig>, loraDropout?: number][] = [
    ['plain', {}],
    ['with accumulation', { per_device_batch_size: 1 }],
    ['in bf16', { dtype: 'bf16' }],
    ['with weights and moments in bf16', { dtype: 'bf16', optimizer: narrow }],
    ['by Muon', { optimizer: muon }],
    ['of adapters with dropout and accumulation', { per_device_batch_size: 2 }, 0.3],
  ];
  for (const [name, changes, loraDropout] of cases) {
    it(`gives the weights, optimizer states and figures of the run in one go, from any step: ${name}`, async () => {
      // intervals of 4 steps and checkpoints of 3: most of them lie in mid-interval
      const training = { max_steps: 8, log_every: 4, save_every: 3, keep_last: null, ...changes };
      const more = { ...(loraDropout !== undefined && { loraDropout }) };
      const evaluate = (step: number) => ({ 'validation/loss': 1 / step });
      const whole = await trainTiny(training, { ...more, evaluate, evaluateEvery: 2 });
      expect(steps(whole)).to.deep.equal(['step_3', 'step_6', 'step_8']);
      for (const from of [3, 8]) {
        const resumeFrom = checkpoint(whole, from);
        const rest = await trainTiny(training, { ...more, evaluate, evaluateEvery: 2, resumeFrom });
        const [expected, got] = [whole, rest].map((run) => join(checkpoint(run, 8), 'state.safetensors'));
        expect(sha256OfFile(got!), `from ${from}`).to.equal(sha256OfFile(expected!));
        expect(figures(rest.events), `from ${from}`).to.deep.equal(figures(whole.events));
        expect([...rest.weights]).to.deep.equal([...whole.weights]);
      }
    });
  }

  it('goes on from a checkpoint that was asked for, which changes nothing', async () => {
    const whole = await trainTiny({}, { requestAfter: 3 });
    expect(steps(whole)).to.deep.equal(['step_3']);
    const rest = await trainTiny({}, { resumeFrom: checkpoint(whole, 3) });
    expect([...rest.weights]).to.deep.equal([...whole.weights]);
    expect([...(await trainTiny()).weights]).to.deep.equal([...whole.weights]);
  });

  it('brings the checkpoints that it goes on from, so that its folder is whole from the start', async () => {
    const first = await trainTiny({ save_every: 2, keep_last: 2 }, { abortAfter: 5 });
    expect(steps(first)).to.deep.equal(['step_4', 'step_5']);
    const rest = await trainTiny(
      { save_every: 0, keep_last: 2 },
      { resumeFrom: checkpoint(first, 5), abortAfter: 5 },
    );
    expect(steps(rest)).to.deep.equal(['step_4', 'step_5']);
    expect(readFileSync(join(checkpoint(rest, 4), 'manifest.json'))).to.deep.equal(
      readFileSync(join(checkpoint(first, 4), 'manifest.json')),
    );
  });

  it('is refused when the data is not what it was', async () => {
    const first = await trainTiny({}, { abortAfter: 2 });
    const error = await trainTiny(
      { batch_size: 2, per_device_batch_size: 2 },
      {
        resumeFrom: checkpoint(first, 2),
      },
    ).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'checkpoint.other_data');
    expect(error).to.have.property(
      'message',
      'the data is not what the run had: the batch of step 2 is another one',
    );
  });

  it('is refused where a file of its checkpoint is not what the manifest says', async () => {
    const first = await trainTiny({}, { abortAfter: 2 });
    truncateSync(join(checkpoint(first, 2), 'metrics.jsonl'), 0);
    const error = await trainTiny({}, { resumeFrom: checkpoint(first, 2) }).catch(
      (caught: unknown) => caught,
    );
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'checkpoint.corrupt');
    expect((error as SluiceError).message).to.match(/step_2: metrics\.jsonl has 0 bytes, not \d+$/);
  });
});

describe('a run that is extended', () => {
  it('goes on exactly under a constant schedule, and is the longer run', async () => {
    const schedule = { name: 'constant' } as const;
    const long = await trainTiny({ schedule, max_steps: 7 });
    const short = await trainTiny({ schedule, max_steps: 4, save_every: 100 });
    const rest = await trainTiny(
      { schedule, max_steps: 7 },
      { resumeFrom: checkpoint(short, 4), verb: 'extend' },
    );
    expect([...rest.weights]).to.deep.equal([...long.weights]);
    expect(rest.logs.join('\n')).to.include('of 4 steps, to 7: schedule constant over all 7 steps');
    expect(rest.logs.join('\n')).to.include('the learning rate goes on exactly, at 0.01');
  });

  it('says how the learning rate of a schedule that had come down jumps', async () => {
    const short = await trainTiny({ max_steps: 4, save_every: 100 });
    const rest = await trainTiny({ max_steps: 8 }, { resumeFrom: checkpoint(short, 4), verb: 'extend' });
    expect(rest.logs.join('\n')).to.match(
      /the learning rate of step 4 would have been 0\.001 and is 0\.00\d+/,
    );
  });

  it('is refused where it has no more steps than were taken', async () => {
    const short = await trainTiny({ max_steps: 4, save_every: 100 });
    const error = await trainTiny(
      { max_steps: 4 },
      { resumeFrom: checkpoint(short, 4), verb: 'extend' },
    ).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.extend');
    expect(error).to.have.property('message', 'extend: 4 steps in all are not more than the 4 taken');
  });
});

describe('a run that begins with the weights of another', () => {
  it('starts at step 0 with a fresh optimizer', async () => {
    const first = await trainTiny({ max_steps: 4, save_every: 100 });
    const next = await trainTiny({}, { resumeFrom: checkpoint(first, 4), verb: 'init_from' });
    const byHand = await trainTiny(
      {},
      {
        prepare(session) {
          for (const [name, weights] of first.weights)
            session.setState(name, 'f32', session.getState(name).shape, weights);
        },
      },
    );
    expect([...next.weights]).to.deep.equal([...byHand.weights]);
    expect(figures(next.events)).to.deep.equal(figures(byHand.events));
  });

  it('is told by a plan to be impossible where their shapes are others', async () => {
    const { run, session, folder } = await trainTiny({ max_steps: 1, save_every: 1 });
    const other = await buildModel({ ...run.model.config, hidden_size: 24 }, 'model');
    const wider = { ...run, model: other, trainable: other.parameters() };
    saveModelFolder(run.model, session, join(folder, 'model'));
    saveModelStandIn(run.model, join(folder, 'stand-in'));
    const starts: [Start, string][] = [
      [
        { verb: 'init_from', kind: 'checkpoint', folder: join(folder, 'checkpoints/step_1') },
        'checkpoint.other_model',
      ],
      [{ verb: 'init_from', kind: 'model', folder: join(folder, 'model') }, 'model.weights'],
    ];
    for (const [start, code] of starts) {
      checkStart(start, run);
      expect(() => checkStart(start, wider))
        .to.throw(SluiceError)
        .with.property('code', code);
    }
    checkStart({ verb: 'init_from', kind: 'model', folder: join(folder, 'stand-in') }, wider);
  });
});

describe('the checkpoints of a run', () => {
  const values = [5, 3, 4, 2, 6, 1, 1, 9];
  const evaluate = (step: number) => ({ 'validation/loss': values[step - 1]! });
  const judged = { metric_for_best: 'validation/loss', max_steps: 8 };
  const table: [Partial<TrainingConfig>, string[]][] = [
    [{ save_every: 2, keep_last: 1 }, ['step_8']],
    [{ save_every: 3, keep_last: 2 }, ['step_6', 'step_8']],
    [{ save_every: 3, keep_last: null }, ['step_3', 'step_6', 'step_8']],
    [{ save_every: 0, keep_last: 1 }, []],
    [{ save_every: 0, keep_last: 1, keep_best: 2 }, ['step_6', 'step_7']],
    [{ save_every: 4, keep_last: 1, keep_best: 1 }, ['step_6', 'step_8']],
    [{ save_every: 0, keep_last: 1, keep_best: 1, greater_is_better: true }, ['step_8']],
  ];
  for (const [keys, expected] of table) {
    it(`stay as asked: ${JSON.stringify(keys)}`, async () => {
      const run = await trainTiny({ ...judged, ...keys }, { evaluate, evaluateEvery: 1 });
      expect(existsSync(join(run.folder, 'checkpoints')) ? steps(run) : []).to.deep.equal(expected);
    });
  }

  it('all stay once the command that watched the run is gone: another may be going on from them', async () => {
    const keys = { ...judged, save_every: 2, keep_last: 1 };
    const run = await trainTiny(keys, { evaluate, evaluateEvery: 1, lostAfter: 5, abortAfter: 5 });
    expect(steps(run)).to.deep.equal(['step_4', 'step_5']);
  });

  it('give the best weights at the end, also after a resume and past a damaged one', async () => {
    const keys = { ...judged, keep_best: 2, load_best_at_end: true, save_every: 0 };
    const plain = await trainTiny({ ...judged, max_steps: 8 }, { evaluate, evaluateEvery: 1, abortAfter: 6 });
    const run = await trainTiny(keys, { evaluate, evaluateEvery: 1 });
    expect([...run.weights]).to.deep.equal([...plain.weights]);
    const stopped = await trainTiny(keys, { evaluate, evaluateEvery: 1, abortAfter: 7 });
    const resumeFrom = checkpoint(stopped, 7);
    const rest = await trainTiny(keys, { evaluate, evaluateEvery: 1, resumeFrom });
    expect([...rest.weights]).to.deep.equal([...plain.weights]);

    writeFileSync(join(checkpoint(stopped, 6), 'progress.json'), '{}');
    const late = await trainTiny(keys, { evaluate, evaluateEvery: 1, resumeFrom });
    expect([...late.weights]).to.deep.equal([...stopped.weights]);
    expect(late.logs.find((text) => text.includes('skipped'))).to.match(
      /step_6: progress\.json has 2 bytes, not \d+$/,
    );
  });

  const misjudged: [metric: string, evaluates: boolean, message: RegExp][] = [
    ['validation/los', true, /^training\.metric_for_best=validation\/los is no figure of this run$/],
    ['train/los', false, /^training\.metric_for_best=train\/los is no figure of this run$/],
    ['validation/loss', false, /is never known: no rows are held out$/],
  ];
  for (const [metric_for_best, evaluates, message] of misjudged) {
    it(`cannot be judged by what never comes: ${metric_for_best}`, async () => {
      const options = evaluates ? { evaluate, evaluateEvery: 1 } : {};
      const error = await trainTiny({ ...judged, metric_for_best, keep_best: 1 }, options).catch(
        (caught: unknown) => caught,
      );
      expect(error).to.be.instanceOf(SluiceError).with.property('code', 'config.metric');
      expect((error as SluiceError).message).to.match(message);
    });
  }
});
