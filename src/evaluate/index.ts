export { exactMatch, meanWithError } from './exact-match.js';
export { meanLoss } from './mean-loss.js';
export { perplexity, rollingWindows } from './perplexity.js';
export { answerQuestions, type GenerativeQuestion, readQuestions } from './questions.js';
export { type EvaluatedModel, scoreTexts, type TextScores } from './score-texts.js';
