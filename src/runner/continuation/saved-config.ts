import { readStateText } from '../../checkpoint/training-state.js';

/** The config of the run that wrote a checkpoint. Throws `checkpoint.corrupt`. */
export const savedConfig = (checkpoint: string): unknown =>
  JSON.parse(readStateText(checkpoint, 'config.json'));
