export { type Batch, type Dataset, NO_TARGET } from './batch.js';
export { type CleaningCounts, cleanText } from './clean.js';
export {
  type InstructionCounts,
  type InstructionDataset,
  type InstructionsConfig,
  openInstructions,
  type Sample,
} from './open-instructions.js';
export { openPacked, type PackedDataset } from './open-packed.js';
export { type Piece, pack } from './pack.js';
export { Random } from './random.js';
export {
  type ColumnMapping,
  type InstructionRow,
  readInstructions,
  readTexts,
  type TextRow,
} from './readers/mapping.js';
export { type RowSelection, selectRows } from './select-rows.js';
export { type Split, splitDocuments } from './split.js';
export { TokenStore, type TokenStoreMeta, writeTokenStore } from './token-store.js';
