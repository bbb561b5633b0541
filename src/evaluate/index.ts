export { type AnswerScores, scoreAnswers, type TextMetric } from './answer-scores.js';
export { exactMatch, meanWithError } from './exact-match.js';
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
