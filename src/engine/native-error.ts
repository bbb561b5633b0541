import { SluiceError } from '../errors.js';

/** Runs a native call; what it throws becomes a SluiceError that keeps the engine's own words. */
export function guarded<T>(code: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw nativeError(code, cause);
  }
}

/** A native failure as SluiceError: the message already names op, scope and shapes. */
export function nativeError(code: string, cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause;
  return new SluiceError(code, cause instanceof Error ? cause.message : String(cause), { cause });
}
