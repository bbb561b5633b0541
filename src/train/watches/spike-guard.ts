import { SluiceError } from '../../errors.js';
import { median } from '../../telemetry/median.js';
import type { BatchSource } from '../batch.js';
import { describeBatch, lastCheckpointHint } from '../describe-batch.js';
import type { StepTaken, Watch, WatchHost } from './watch.js';

/** The keys of `training.spike_guard`. */
export interface SpikeGuardKeys {
  mode: 'off' | 'warn' | 'stop';
  /** Steps that a step is compared with; nothing is judged before there are as many. */
  window: number;
  /** A loss further above the window's median than so many median absolute deviations is a spike; null: no loss is. */
  loss_deviations: number | null;
  /** A gradient norm above so many times the window's median is a spike; null: none is. */
  grad_norm_ratio: number | null;
}

interface State {
  losses: number[];
  norms: number[];
  /** Whether the last step was one: a spike is told when it begins. */
  spiking: boolean;
}

/** A deviation counts as at least this share of the median: where a loss hardly moves, every step would be a spike. */
const leastDeviation = 0.01;

/** Tells or stops a run whose loss or gradient norm leaps out of what the last steps had. */
export class SpikeGuard implements Watch {
  readonly name = 'spike_guard';
  readonly #keys: SpikeGuardKeys;
  readonly #run: { data: BatchSource; seed: number };
  readonly #host: WatchHost;
  #state: State = { losses: [], norms: [], spiking: false };

  constructor(keys: SpikeGuardKeys, run: { data: BatchSource; seed: number }, host: WatchHost) {
    this.#keys = keys;
    this.#run = run;
    this.#host = host;
  }

  afterStep(taken: StepTaken): void {
    const loss = taken.values.lm_loss ?? taken.values.loss!;
    const norm = taken.values.grad_norm!;
    const spike = this.#judge(loss, norm);
    const begins = spike !== null && !this.#state.spiking;
    this.#state.spiking = spike !== null;
    push(this.#state.losses, loss, this.#keys.window);
    push(this.#state.norms, norm, this.#keys.window);
    if (begins) this.#tell(spike, taken);
  }

  state(): State {
    return structuredClone(this.#state);
  }

  restore(state: unknown): void {
    this.#state = structuredClone(state as State);
  }

  #judge(loss: number, norm: number): string | null {
    const { window, loss_deviations, grad_norm_ratio } = this.#keys;
    const { losses, norms } = this.#state;
    if (losses.length < window) return null;
    const usual = median(losses);
    const deviation = Math.max(
      median(losses.map((each) => Math.abs(each - usual))),
      leastDeviation * Math.abs(usual),
    );
    if (loss_deviations !== null && loss > usual + loss_deviations * deviation) {
      const times = ((loss - usual) / deviation).toFixed(1);
      return `the loss is ${loss.toPrecision(5)}, ${times} deviations above the ${usual.toPrecision(5)} of the last ${window} steps`;
    }
    const usualNorm = median(norms);
    if (grad_norm_ratio === null || norm <= grad_norm_ratio * usualNorm) return null;
    return `the gradient norm is ${norm.toPrecision(5)}, ${(norm / usualNorm).toFixed(1)} times the ${usualNorm.toPrecision(5)} of the last ${window} steps`;
  }

  #tell(spike: string, { step, batch, lastCheckpoint }: StepTaken): void {
    const text = `after step ${step}: ${spike}`;
    const { data, seed } = this.#run;
    const where = describeBatch(batch, data, { step: step - 1, seed });
    if (this.#keys.mode === 'warn') {
      this.#host.log('warning', `${text}; ${where}`);
      return;
    }
    throw new SluiceError('train.loss_spike', text, {
      where,
      hint: `look at those rows, or lower training.learning_rate; ${lastCheckpointHint(lastCheckpoint)}; training.spike_guard.mode=warn goes on`,
    });
  }
}

function push(values: number[], value: number, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}
