import type { TextRow } from '../data/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { Scorer } from '../infer/index.js';
import type { LoraAdapter, Model } from '../models/index.js';
import type { Tokenizer } from '../text/index.js';
import { perplexity, rollingWindows } from './perplexity.js';

/** A model as evaluation meets it: its weights and its adapter's are in the session. */
export interface EvaluatedModel {
  model: Model;
  adapter: LoraAdapter | null;
  tokenizer: Tokenizer;
  session: Session;
  threads: number;
  signal: AbortSignal;
}

export interface TextScores {
  /** exp(nll / tokens) over all documents together. */
  perplexity: number;
  /** Sum over all scored tokens, nats. */
  nll: number;
  tokens: number;
  documents: { id: string; ids: number[]; losses: number[] }[];
}

/**
 * Negative log-likelihood of every token of every text, in windows of `length` tokens that share one token of context.
 * A document starts after the tokenizer's begin token, or its end token where it has none.
 */
export async function scoreTexts(
  evaluated: EvaluatedModel,
  texts: readonly TextRow[],
  length: number,
  onProgress: (done: number, total: number) => void,
): Promise<TextScores> {
  const { model, adapter, tokenizer, session, threads, signal } = evaluated;
  const prefix = tokenizer.bosId ?? tokenizer.eosId;
  if (prefix === null) {
    throw new SluiceError('text.no_begin_token', 'the tokenizer names neither a begin nor an end token', {
      hint: 'add bos_token to tokenizer_config.json: the first token of a text needs something before it',
    });
  }
  const encoded = await tokenizer.encodeBatch(
    texts.map(({ text }) => text),
    { addSpecialTokens: false },
  );
  const windows = encoded.map((ids) =>
    rollingWindows([...ids], prefix, Math.min(length, model.maxLength ?? length)),
  );
  const flat = windows.flat();
  const scorer = new Scorer(model, session, { threads, adapter });
  const scores = await scorer.score(
    flat.map(({ ids }) => ids),
    { signal, onProgress: (done) => onProgress(done, flat.length) },
  );
  let at = 0;
  const documents = texts.map(({ id }, document) => ({
    id,
    ids: [prefix, ...encoded[document]!],
    losses: windows[document]!.flatMap(() => [...scores[at++]!.nll]),
  }));
  const nll = documents.reduce((sum, { losses }) => losses.reduce((a, b) => a + b, sum), 0);
  const tokens = documents.reduce((sum, { losses }) => sum + losses.length, 0);
  if (tokens === 0) throw new SluiceError('data.empty', 'the texts to score have no tokens');
  return { perplexity: perplexity(nll, tokens), nll, tokens, documents };
}
