import { SluiceError } from '../../errors.js';

const CLASSES: Record<string, string> = {
  'config.yaml': 'YAMLError',
  'config.root': 'OSError',
  'config.grammar': 'GrammarParseError',
  'config.key_type': 'KeyValidationError',
  'config.value_type': 'UnsupportedValueType',
  'config.interpolation': 'InterpolationResolutionError',
  'config.interpolation_key': 'InterpolationKeyError',
  'config.interpolation_missing': 'InterpolationToMissingValueError',
  'config.interpolation_resolver': 'UnsupportedInterpolationType',
  'config.recursion': 'RecursionError',
  'config.override_syntax': 'OverrideParseException',
  'config.compose': 'ConfigCompositionException',
  'config.missing': 'MissingConfigException',
  'config.file': 'ConfigLoadError',
  'config.default': 'ValueError',
  'config.struct_attribute': 'ConfigAttributeError',
  'config.struct_key': 'ConfigKeyError',
  'config.merge_type': 'ConfigTypeError',
  'config.index': 'ConfigIndexError',
  'config.validation': 'ValidationError',
  'config.sweep': 'HydraException',
};

/** The reference's class for an error of this room; for other errors their own name, which never matches. */
export function errorClass(error: unknown): string {
  if (error instanceof SluiceError) return CLASSES[error.code] ?? error.code;
  return error instanceof Error ? `crash ${error.stack}` : String(error);
}
