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

/** Folders that hold fixtures in folders of their own. */
const several: Record<string, (context: GoldenContext, name: string) => Promise<Checks>> = {
  async models(context, name) {
    const isT5 = readJson(context.folder, 'models', name, 'config.json').is_encoder_decoder === true;
    return isT5 ? checkEncoderDecoder(context, name) : checkModel(context, name);
  },
  train: checkTraining,
  lora: checkLora,
};

const single: Record<string, GoldenTest['run']> = {
  select_moe: checkSelectMoe,
  quality_losses: checkQualityLosses,
  dpo: checkPreference,
  grpo: checkGroupPolicy,
  optim_sched: checkOptimizer,
  metrics: checkMetrics,
};

export const fixtureFolders: readonly string[] = [...Object.keys(several), ...Object.keys(single)];

/** One test per fixture folder that is there. */
export function goldenTests(folder: string): GoldenTest[] {
  const foldersOf = (name: string) =>
    existsSync(join(folder, name))
      ? readdirSync(join(folder, name), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map((entry) => entry.name)
          .sort()
      : [];
  const known = [
    ...Object.entries(several).flatMap(([kind, check]) =>
      foldersOf(kind).map((name) => ({
        fixture: `${kind}/${name}`,
        run: (context: GoldenContext) => check(context, name),
      })),
    ),
    ...Object.entries({ ...single, 'manifest.json': checkManifest })
      .filter(([fixture]) => existsSync(join(folder, fixture)))
      .map(([fixture, run]) => ({ fixture, run })),
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
