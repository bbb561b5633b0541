import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';

/** A model's config.json as it is on disk. Keys nobody reads here are kept and written back. */
export type RawModelConfig = Readonly<Record<string, unknown>>;

/** Typed reading of config.json; a value of the wrong kind is an error that names file and key. */
export class ConfigReader {
  readonly raw: RawModelConfig;
  readonly file: string;

  constructor(raw: RawModelConfig, file: string) {
    this.raw = raw;
    this.file = file;
  }

  /** null counts as absent, as in Hugging Face configs. */
  has(key: string): boolean {
    return this.raw[key] !== undefined && this.raw[key] !== null;
  }

  integer(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    return Number.isInteger(value) ? value : this.fail(key, 'a whole number');
  }

  number(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    return typeof value === 'number' ? value : this.fail(key, 'a number');
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.#value(key, fallback);
    return typeof value === 'boolean' ? value : this.fail(key, 'true or false');
  }

  string(key: string, fallback?: string): string {
    const value = this.#value(key, fallback);
    return typeof value === 'string' ? value : this.fail(key, 'a string');
  }

  optionalNumber(key: string): number | null {
    return this.has(key) ? this.number(key) : null;
  }

  /** One of the given words. */
  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    const value = this.string(key, fallback);
    return choices.includes(value as T) ? (value as T) : this.fail(key, `one of ${choices.join(', ')}`);
  }

  strings(key: string): readonly string[] | null {
    if (!this.has(key)) return null;
    const value = this.raw[key];
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return isList ? value : this.fail(key, 'a list of strings');
  }

  integers(key: string): readonly number[] {
    const value = this.raw[key] ?? [];
    const isList = Array.isArray(value) && value.every((item) => Number.isInteger(item));
    return isList ? value : this.fail(key, 'a list of whole numbers');
  }

  numbers(key: string): readonly number[] {
    const value = this.raw[key];
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'number');
    return isList ? value : this.fail(key, 'a list of numbers');
  }

  /** A nested object, or null. */
  object(key: string): ConfigReader | null {
    if (!this.has(key)) return null;
    const value = this.raw[key];
    if (typeof value !== 'object' || Array.isArray(value)) this.fail(key, 'an object');
    return new ConfigReader(value as RawModelConfig, `${this.file} ${key}`);
  }

  fail(key: string, expected: string): never {
    const value = this.raw[key];
    const got = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
    throw new SluiceError('model.config', `${this.file}: ${key} ${got}, expected ${expected}`, {
      where: this.file,
    });
  }

  #value(key: string, fallback: unknown): unknown {
    return this.has(key) ? this.raw[key] : fallback;
  }
}

/** Reads `config.json` of a model folder. Throws `model.missing` or `model.config`. */
export function readModelConfig(folder: string): ConfigReader {
  const file = join(folder, 'config.json');
  if (!existsSync(file)) {
    throw new SluiceError('model.missing', `${folder} is not a model folder: it has no config.json`, {
      where: folder,
    });
  }
  return new ConfigReader(readJsonObject(file), file);
}

export function readJsonObject(file: string): Record<string, unknown> {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new SluiceError('model.config', `${file} is not readable JSON`, { where: file, cause });
  }
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as Record<string, unknown>;
  throw new SluiceError('model.config', `${file} does not hold a JSON object`, { where: file });
}
