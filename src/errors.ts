/** What a SluiceError says besides its message. Every field is written for the person who reads the terminal. */
export interface ErrorDetails {
  /** Place of the cause: `configs/pretrain.yaml:12:5`, `override training.lr=x`, `rows.jsonl:17`, an op name. */
  where?: string;
  /** What to do next, or the nearest valid choice. */
  hint?: string;
  cause?: unknown;
}

/**
 * The one error class of the project.
 *
 * `code` is stable and dotted (`config.unknown_key`, `data.not_utf8`, `engine.op_failed`). Codes that start with
 * `config.` or `usage.` end the process with 2, `interrupted` with 130, every other with 1.
 */
export class SluiceError extends Error {
  readonly code: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }

  get exitCode(): number {
    if (this.code.startsWith('config.') || this.code.startsWith('usage.')) return 2;
    return this.code === 'interrupted' ? 130 : 1;
  }
}

/** The lines a terminal shows for an error: message, place, hint. A foreign error keeps its stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof SluiceError)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const lines = [`error: ${error.message}`];
  if (error.where !== undefined) lines.push(`  at:   ${error.where}`);
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  return lines.join('\n');
}
