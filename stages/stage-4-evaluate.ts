import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTexts } from '../src/data/index.js';
import { openDevice } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import {
  answerQuestions,
  comparison,
  comparisonTable,
  type EvaluatedModel,
  type EvaluatedRun,
  type Evaluation,
  evaluationTable,
  exactMatch,
  readQuestions,
  scoreAnswers,
  scoreRightAnswers,
  scoreTexts,
  summaryOf,
  type TextMetric,
} from '../src/evaluate/index.js';
import { stopIdsOf } from '../src/infer/index.js';
import { loadAdapter, loadModel, loadWeights, type StorageKeys, storageOf } from '../src/models/index.js';
import type { StageContext, StageDefinition } from '../src/runner/stage.js';
import { Tokenizer } from '../src/text/index.js';

/** configs/stage_4_evaluate.schema.json describes each key. */
export interface EvaluationConfig {
  seed: number;
  device: string;
  threads: number | null;
  model_checkpoint_path: string;
  dtype: 'fp32' | 'bf16';
  quantization: StorageKeys['quantization'];
  adapters: Record<string, string | string[]>;
  compare: { with: string | null; confidence: number };
  perplexity: {
    data_path: string | null;
    max_sequence_length: number;
    max_documents: number | null;
    per_token: boolean;
  };
  questions: {
    data_path: string | null;
    max_questions: number | null;
    max_new_tokens: number;
    batch_size: number;
    text_metrics: TextMetric[];
  };
}

export const stage: StageDefinition<EvaluationConfig> = {
  name: 'stage_4_evaluate',

  async run(context) {
    const { config } = context;
    const folder = context.resolvePath(config.model_checkpoint_path);
    context.addInput('model', folder);
    const models = modelsOf(context);
    const tokenizer = Tokenizer.open(folder);
    const model = (await loadModel(folder)).stored(storageOf(config));
    const { session, threads } = await openDevice(config, context);
    loadWeights(model, folder, session);
    const texts = readPart(context, 'texts', config.perplexity.data_path, (path) =>
      [...readTexts(path)].slice(0, config.perplexity.max_documents ?? undefined),
    );
    const questions = readPart(context, 'questions', config.questions.data_path, (path) =>
      readQuestions(path).slice(0, config.questions.max_questions ?? undefined),
    );

    const stopIds = stopIdsOf(model, folder, tokenizer.eosId);

    const evaluateRun = async (name: string, path: string | null): Promise<EvaluatedRun> => {
      const before = new Set(session.states().map((state) => state.name));
      const adapter = path === null ? null : loadAdapter(path, model, session);
      const evaluated: EvaluatedModel = {
        model,
        adapter,
        tokenizer,
        session,
        threads,
        signal: context.signal,
      };
      const progress = (phase: string) => (done: number, total: number) =>
        context.emit({ type: 'progress', phase: `${name}: ${phase}`, step: done, totalSteps: total });
      const text =
        texts &&
        (await scoreTexts(evaluated, texts, config.perplexity.max_sequence_length, progress('perplexity')));
      const losses = questions && (await scoreRightAnswers(evaluated, questions, progress('right answers')));
      const answered =
        questions &&
        (await answerQuestions(
          evaluated,
          questions,
          { ...config.questions, stopIds },
          progress('questions'),
        ));
      for (const state of session.states()) if (!before.has(state.name)) session.dropState(state.name);
      return { text, answered, losses };
    };

    const evaluations: Evaluation[] = [];
    for (const { name, paths } of models) {
      const runs: EvaluatedRun[] = [];
      for (const [i, path] of paths.entries())
        runs.push(await evaluateRun(paths.length > 1 ? `${name} ${i + 1}` : name, path));
      const answered = runs.flatMap((run) => (run.answered === null ? [] : [run.answered]));
      const scores = answered.length === 0 ? null : scoreAnswers(answered, config.questions.text_metrics);
      evaluations.push({ name, runs, scores });
    }

    writeResults(context, evaluations);
    context.emit(evaluationTable(evaluations));
    if (config.compare.with === null) return;
    const compared = comparison(evaluations, config.compare.with, config.compare.confidence);
    if (compared.length === 0) return;
    const file = join(context.runDirectory, 'comparison.json');
    writeFileSync(file, `${JSON.stringify(compared, null, 1)}\n`);
    context.addOutput('comparison', file);
    context.emit(comparisonTable(compared));
  },
};

/** The model alone, then each name of `adapters` with the folders of its runs. */
function modelsOf(context: StageContext<EvaluationConfig>): { name: string; paths: (string | null)[] }[] {
  const { adapters, compare } = context.config;
  const names = Object.keys(adapters);
  if (compare.with !== null && !names.includes(compare.with)) {
    throw new SluiceError('config.unknown_adapter', `compare.with=${compare.with} is none of the adapters`, {
      where: 'compare.with',
      hint: names.length === 0 ? 'adapters is empty' : `adapters: ${names.join(', ')}`,
    });
  }
  const given = Object.entries(adapters).map(([name, folders]) => {
    const paths = [folders].flat().map((path) => context.resolvePath(path));
    paths.forEach((path, i) => {
      context.addInput(paths.length > 1 ? `adapter ${name} ${i + 1}` : `adapter ${name}`, path);
    });
    return { name, paths };
  });
  return [{ name: 'base', paths: [null] }, ...given];
}

function readPart<T>(
  context: StageContext<EvaluationConfig>,
  name: string,
  path: string | null,
  read: (path: string) => T,
): T | null {
  if (path === null) return null;
  const resolved = context.resolvePath(path);
  context.addInput(name, resolved);
  return read(resolved);
}

function writeResults(context: StageContext<EvaluationConfig>, evaluations: readonly Evaluation[]): void {
  const file = (name: string) => join(context.runDirectory, name);
  writeFileSync(file('results.json'), `${JSON.stringify(evaluations.map(summaryOf), null, 1)}\n`);
  context.addOutput('results', file('results.json'));
  const writeLines = (name: string, lines: readonly object[]) => {
    writeFileSync(file(`${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    context.addOutput(name, file(`${name}.jsonl`));
  };
  const runs = evaluations.flatMap(({ name, runs }) =>
    runs.map((run, i) => ({ run, of: { model: name, ...(runs.length > 1 && { run: i + 1 }) } })),
  );
  if (runs.some(({ run }) => run.answered !== null)) {
    writeLines(
      'answers',
      runs.flatMap(({ run, of }) =>
        (run.answered ?? []).map(({ dataset, id, messages, answer, generated }, i) => ({
          ...of,
          dataset,
          id,
          correct: exactMatch(generated, answer) === 1,
          ...run.losses![i],
          answer,
          generated,
          messages,
        })),
      ),
    );
  }
  if (context.config.perplexity.per_token) {
    writeLines(
      'per_token_losses',
      runs.flatMap(({ run, of }) =>
        (run.text?.documents ?? []).map(({ id, ids, losses }) => ({ ...of, id, ids, losses })),
      ),
    );
  }
}
