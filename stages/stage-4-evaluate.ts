import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTexts } from '../src/data/index.js';
import { openDevice } from '../src/engine/index.js';
import {
  type AnsweredQuestion,
  type AnswerScores,
  answerQuestions,
  type EvaluatedModel,
  exactMatch,
  readQuestions,
  scoreAnswers,
  scoreTexts,
  type TextMetric,
  type TextScores,
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
  adapters: Record<string, string>;
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

/** What one model came to; null where that part was left out. */
interface Result {
  name: string;
  text: TextScores | null;
  answered: AnsweredQuestion[] | null;
  scores: AnswerScores | null;
}

export const stage: StageDefinition<EvaluationConfig> = {
  name: 'stage_4_evaluate',

  async run(context) {
    const { config } = context;
    const folder = context.resolvePath(config.model_checkpoint_path);
    context.addInput('model', folder);
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

    const stopIds = [...stopIdsOf(model, folder), ...(tokenizer.eosId === null ? [] : [tokenizer.eosId])];

    const results: Result[] = [];
    for (const [name, path] of [['base', null], ...Object.entries(config.adapters)] as [
      string,
      string | null,
    ][]) {
      const before = new Set(session.states().map((state) => state.name));
      let adapter = null;
      if (path !== null) {
        const adapterFolder = context.resolvePath(path);
        context.addInput(`adapter ${name}`, adapterFolder);
        adapter = loadAdapter(adapterFolder, model, session);
      }
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
      const answered =
        questions &&
        (await answerQuestions(
          evaluated,
          questions,
          { ...config.questions, stopIds },
          progress('questions'),
        ));
      const scores = answered && scoreAnswers(answered, config.questions.text_metrics);
      results.push({ name, text, answered, scores });
      for (const state of session.states()) if (!before.has(state.name)) session.dropState(state.name);
    }

    writeResults(context, results);
    context.emit(resultTable(results));
  },
};

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

function writeResults(context: StageContext<EvaluationConfig>, results: readonly Result[]): void {
  const file = (name: string) => join(context.runDirectory, name);
  const summary = results.map(({ name, text, scores }) => ({
    model: name,
    ...(text && { perplexity: text.perplexity, nll_per_token: text.nll / text.tokens, tokens: text.tokens }),
    ...(scores && {
      exact_match: scores.exactMatch,
      exact_match_by_dataset: Object.fromEntries(scores.byDataset),
      ...Object.fromEntries(scores.text),
    }),
  }));
  writeFileSync(file('results.json'), `${JSON.stringify(summary, null, 1)}\n`);
  context.addOutput('results', file('results.json'));
  const writeLines = (name: string, lines: readonly object[]) => {
    writeFileSync(file(`${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    context.addOutput(name, file(`${name}.jsonl`));
  };
  if (results.some(({ answered }) => answered !== null)) {
    writeLines(
      'answers',
      results.flatMap(({ name, answered }) =>
        (answered ?? []).map(({ dataset, id, messages, answer, generated }) => ({
          model: name,
          dataset,
          id,
          correct: exactMatch(generated, answer) === 1,
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
      results.flatMap(({ name, text }) =>
        (text?.documents ?? []).map(({ id, ids, losses }) => ({ model: name, id, ids, losses })),
      ),
    );
  }
}

function resultTable(results: readonly Result[]) {
  const datasets = [...(results[0]?.scores?.byDataset.keys() ?? [])];
  const metrics = [...(results[0]?.scores?.text.keys() ?? [])];
  const percent = ({ mean, stderr }: { mean: number; stderr: number }) =>
    `${(100 * mean).toFixed(1)} ± ${(100 * stderr).toFixed(1)} %`;
  return {
    type: 'table' as const,
    title: 'Evaluation',
    columns: ['model', 'perplexity', 'exact match', ...metrics, ...datasets],
    rows: results.map(({ name, text, scores }) => [
      name,
      text === null ? '' : text.perplexity.toFixed(2),
      scores === null ? '' : percent(scores.exactMatch),
      ...metrics.map((metric) => scores!.text.get(metric)!.toFixed(2)),
      ...datasets.map((dataset) => percent(scores!.byDataset.get(dataset)!)),
    ]),
  };
}
