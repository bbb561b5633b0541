import { SluiceError } from '../src/errors.js';
import type { Registries } from '../src/runner/registries.js';
import type { StageDefinition, StageEntry } from '../src/runner/stage.js';

/** Every stage, in the order of the main job. A stage's file exports its definition as `stage`. */
export const stages: readonly StageEntry[] = [
  {
    name: 'prepare',
    aliases: [],
    description: 'Clean and split a corpus, train a tokenizer on it, pack it, build an instruction pool',
    config: 'prepare',
  },
  {
    name: 'pretrain',
    aliases: ['pretrain_base'],
    description: 'Train a language model from scratch on packed text',
    config: 'pretrain',
    plugins: { 'training.objective': 'objectives' },
  },
  {
    name: 'stage_1_pretrain',
    aliases: ['stage_1'],
    description: 'Train the router of a Select-MoE model: its quality gates and expert gates, or adapters',
    config: 'stage_1_pretrain',
    plugins: { 'training.trash_expert_name': 'trashExperts', 'training.quality_loss_name': 'qualityLosses' },
  },
  {
    name: 'stage_2_selection',
    aliases: ['stage_2', 'select'],
    description: 'Score the rows of a pool by the quality gates and keep the best',
    config: 'stage_2_selection',
    plugins: { selector: 'selectors' },
  },
  {
    name: 'stage_3_finetune',
    aliases: ['stage_3', 'finetune'],
    description: 'Finetune LoRA adapters on instruction rows, loss on the answers only',
    config: 'stage_3_finetune',
    plugins: { 'training.objective': 'objectives' },
  },
  {
    name: 'stage_4_evaluate',
    aliases: ['stage_4', 'evaluate'],
    description: 'Perplexity and exact-match accuracy of one or several models',
    config: 'stage_4_evaluate',
  },
  {
    name: 'generate',
    aliases: [],
    description: 'Continue a prompt with a model folder',
    config: 'generate',
  },
  {
    name: 'bench',
    aliases: [],
    description: 'Measure training speed and memory on random tokens',
    config: 'bench',
  },
  {
    name: 'convert',
    aliases: [],
    description: 'Make a Select-MoE folder from an OLMoE one',
    config: 'convert',
  },
  {
    name: 'compare',
    aliases: [],
    description: 'Prove that with open gates a Select-MoE folder gives its original logits',
    config: 'compare',
  },
];

export async function loadStage(name: string): Promise<StageDefinition> {
  const entry = stages.find((each) => each.name === name);
  if (entry === undefined) throw new SluiceError('usage.unknown_stage', `there is no stage ${name}`);
  // A path that is no literal: a bundler that meets this file is not to take all stages in.
  const file = `./${fileOf(name)}`;
  const module = (await import(file)) as { stage: StageDefinition };
  return module.stage;
}

/** As seen from here: the stage's own module, and those of what its config can name. */
export function codeOf(name: string): string[] {
  const entry = stages.find((each) => each.name === name);
  const named = entry?.plugins === undefined ? [] : ['./registries.js', './plugins.js'];
  return [`./${fileOf(name)}`, ...named];
}

const fileOf = (name: string) => `${name.replaceAll('_', '-')}.js`;

/** What configs can name, with this project's plugins. */
export async function loadRegistries(): Promise<Registries> {
  const [{ registriesWith }, { plugins }] = await Promise.all([
    import('./registries.js'),
    import('./plugins.js'),
  ]);
  return registriesWith(plugins);
}
