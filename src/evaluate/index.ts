export { scoreRightAnswers } from './answer-likelihood.js';
export { type AnswerScores, scoreAnswers, type TextMetric } from './answer-scores.js';
export { compareRuns, estimate } from './compare-runs.js';
export {
  comparison,
  comparisonTable,
  type EvaluatedRun,
  type Evaluation,
  evaluationTable,
  summaryOf,
} from './evaluation.js';
export { exactMatch } from './exact-match.js';
export { type BleuOptions, type BleuScore, bleu } from './metrics/bleu.js';
export { type ChrfOptions, chrf } from './metrics/chrf.js';
export { type TerOptions, ter } from './metrics/ter.js';
export { perplexity, rollingWindows } from './perplexity.js';
export {
  type AnsweredQuestion,
  answerQuestions,
  type GenerativeQuestion,
  readQuestions,
} from './questions.js';
export { type EvaluatedModel, scoreTexts, type TextScores } from './score-texts.js';
