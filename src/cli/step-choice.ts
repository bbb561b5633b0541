import type { PipelineChoice } from '../runner/pipeline-choice.js';
import type { CommandLine } from './arguments.js';

/** What the flags of a command line say of a pipeline's steps. */
export const stepChoice = ({ force, from, only }: CommandLine): PipelineChoice => ({ force, from, only });

/** The same as words of a command line. */
export const stepWords = ({ force, from, only }: CommandLine): string[] => [
  ...(force ? ['--force'] : []),
  ...(from === undefined ? [] : ['--from', from]),
  ...(only === undefined ? [] : ['--only', only]),
];
