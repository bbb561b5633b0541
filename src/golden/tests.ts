import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Checks } from './checks.js';
import { checkEncoderDecoder } from './encoder-decoder-fixture.js';
import { type GoldenContext, readJson } from './fixture.js';
import { checkLora } from './lora-fixture.js';
import { checkManifest } from './manifest.js';
import { checkMetrics } from './metrics-fixture.js';
import { checkModel } from './model-fixture.js';
import { checkOptimizer } from './optimizer-fixture.js';
import { checkGroupPolicy, checkPreference } from './preference-fixture.js';
import { checkQualityLosses, checkSelectMoe } from './select-moe-fixture.js';
import { checkTraining } from './training-fixture.js';

export interface GoldenTest {
  /** Folder below the fixtures: `models/olmoe`, `lora/gpt2`. */
  readonly fixture: string;
  run(context: GoldenContext): Promise<Checks>;
}

export const fixtureFolders: readonly string[] = [
  'models',
  'train',
  'lora',
  'select_moe',
  'quality_losses',
  'dpo',
  'grpo',
  'optim_sched',
  'metrics',
];

/** One test per fixture folder that is there. */
export function goldenTests(folder: string): GoldenTest[] {
  const below = (name: string) =>
    existsSync(join(folder, name))
      ? readdirSync(join(folder, name), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map((entry) => entry.name)
          .sort()
      : [];
  const single = (fixture: string, run: GoldenTest['run']): GoldenTest[] =>
    existsSync(join(folder, fixture)) ? [{ fixture, run }] : [];
  const known = [
    ...below('models').map((name) => ({
      fixture: `models/${name}`,
      run: (context: GoldenContext) => {
        const isT5 = readJson(folder, 'models', name, 'config.json').is_encoder_decoder === true;
        return isT5 ? checkEncoderDecoder(context, name) : checkModel(context, name);
      },
    })),
    ...below('train').map((name) => ({
      fixture: `train/${name}`,
      run: (context: GoldenContext) => checkTraining(context, name),
    })),
    ...below('lora').map((name) => ({
      fixture: `lora/${name}`,
      run: (context: GoldenContext) => checkLora(context, name),
    })),
    ...single('select_moe', checkSelectMoe),
    ...single('quality_losses', checkQualityLosses),
    ...single('dpo', checkPreference),
    ...single('grpo', checkGroupPolicy),
    ...single('optim_sched', checkOptimizer),
    ...single('metrics', checkMetrics),
    ...single('manifest.json', checkManifest),
  ];
  // a folder that no test reads is a failure, never silence
  const unread = readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && !known.some(({ fixture }) => fixture.split('/')[0] === entry.name),
    )
    .map(({ name }) => ({ fixture: name, run: () => notImplemented(name) }));
  return [...known, ...unread];
}

async function notImplemented(fixture: string): Promise<Checks> {
  const checks = new Checks(fixture);
  checks.failed('', 'what this folder records is not implemented');
  return checks;
}
