export { type Batch, type Dataset, NO_TARGET } from './batch.js';
export { type CleaningCounts, cleanText } from './clean.js';
export { cutRows } from './cut-rows.js';
export type { HoldOut } from './hold-out.js';
export { type Mixture, type MixturePhase, type MixtureSource, mixtureOf } from './mixture.js';
export {
  type InstructionCounts,
  type InstructionDataset,
  type InstructionsConfig,
  openInstructions,
  type Sample,
} from './open-instructions.js';
export { openPacked, type PackedDataset } from './open-packed.js';
export { type Piece, pack } from './pack.js';
export { buildPool, type PoolRow, prompt, type TruthRow } from './pool/build-pool.js';
export { continuations } from './pool/continuations.js';
export { DEFECTS, type DefectName } from './pool/defects.js';
export {
  answerClasses,
  majorityBaseline,
  makeQuestions,
  type Question,
  type QuestionKind,
} from './pool/questions.js';
export { Random } from './random.js';
export {
  type ColumnMapping,
  type InstructionRow,
  readInstructions,
  readTexts,
  type TextRow,
} from './readers/mapping.js';
export { type RowSelection, selectRows } from './select-rows.js';
export type { SourceDocument } from './sources/document.js';
export { sotuAddresses, sotuFolder } from './sources/sotu.js';
export { type Split, splitDocuments } from './split.js';
export { targetEveryToken } from './target-every-token.js';
export { TokenStore, type TokenStoreMeta, writeTokenStore, writeTokenStoreStandIn } from './token-store.js';
export { tokenizeDocuments } from './tokenize.js';
export { unigramLoss } from './unigram.js';
export { writeJsonLines } from './write-jsonl.js';
