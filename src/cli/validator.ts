import { compileSchema, loadSchema, type Validator } from '../config/index.js';

const compiled = new Map<string, Promise<Validator>>();

/** The validator of a schema file, compiled once: a sweep checks as many configs as it has jobs. */
export function validatorOf(file: string): Promise<Validator> {
  let validator = compiled.get(file);
  if (validator === undefined) compiled.set(file, (validator = compileSchema(loadSchema(file))));
  return validator;
}
