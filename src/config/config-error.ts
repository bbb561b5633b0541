import { type ErrorDetails, SluiceError } from '../errors.js';

/**
 * Codes of this room. Each stands for one failure of the reference:
 * yaml (any reader failure) · root (document is a bare number) · grammar (interpolation syntax) · key_type, value_type ·
 * interpolation, interpolation_key, interpolation_missing, interpolation_resolver, recursion ·
 * override_syntax · compose · missing (no such config file) · file · default (bad defaults list entry) ·
 * struct_attribute, struct_key (no such key), merge_type, index, validation · sweep (a sweep that cannot be run).
 * Of our own: schema · instantiate (a `_target_` that cannot be made) · plugin (a wrong registration).
 */
export type ConfigErrorKind =
  | 'yaml'
  | 'root'
  | 'grammar'
  | 'key_type'
  | 'value_type'
  | 'interpolation'
  | 'interpolation_key'
  | 'interpolation_missing'
  | 'interpolation_resolver'
  | 'recursion'
  | 'override_syntax'
  | 'compose'
  | 'missing'
  | 'file'
  | 'default'
  | 'struct_attribute'
  | 'struct_key'
  | 'merge_type'
  | 'index'
  | 'validation'
  | 'sweep'
  | 'schema'
  | 'instantiate'
  | 'plugin';

export function configError(kind: ConfigErrorKind, message: string, details: ErrorDetails = {}): SluiceError {
  return new SluiceError(`config.${kind}`, message, details);
}

export function isConfigError(error: unknown, ...kinds: ConfigErrorKind[]): error is SluiceError {
  return error instanceof SluiceError && kinds.some((kind) => error.code === `config.${kind}`);
}
