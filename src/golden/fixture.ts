import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../checkpoint/index.js';
import type { Engine, Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { compile, type Graph, type TypedArray } from '../graph/index.js';
import { fileTensors, loadModel, loadWeights, type Model, type ParameterSpec } from '../models/index.js';

/** What every golden test gets. */
export interface GoldenContext {
  readonly engine: Engine;
  /** Folder laid out like the golden fixtures. */
  readonly folder: string;
  readonly device: string;
  readonly threads: number;
}

/** Reads a JSON file of the fixtures; their layout is fixed, so values are taken as they are. */
// biome-ignore lint/suspicious/noExplicitAny: fixtures have many layouts, each read once
export function readJson(...path: string[]): any {
  const file = join(...path);
  if (!existsSync(file)) throw new SluiceError('golden.missing', `${file} is missing`, { where: file });
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** All tensors of a file by name, floats as f32 (f64 rounds) and whole numbers as i32. */
export class Tensors {
  readonly #file: SafetensorsFile;
  readonly #read = new Set<string>();

  constructor(...path: string[]) {
    this.#file = new SafetensorsFile(join(...path));
  }

  get names(): string[] {
    return this.#file.names;
  }

  has(name: string): boolean {
    return this.#file.header.tensors.has(name);
  }

  /** What nobody asked for, but for the reference's own values in fp64, which tolerances come from. */
  get unread(): string[] {
    return this.names.filter((name) => !this.#read.has(name) && !name.endsWith('_f64'));
  }

  shape(name: string): readonly number[] {
    return this.#file.entry(name).shape;
  }

  floats(name: string): Float32Array {
    this.#read.add(name);
    return this.#file.readF32(name);
  }

  ints(name: string): Int32Array {
    this.#read.add(name);
    return this.#file.readI32(name);
  }
}

/** A model with its weights in a session of its own. */
export interface LoadedModel {
  readonly model: Model;
  readonly session: Session;
}

export async function openModel(context: GoldenContext, folder: string): Promise<LoadedModel> {
  const model = await loadModel(folder);
  const session = context.engine.session({ device: context.device, threads: context.threads });
  loadWeights(model, folder, session);
  return { model, session };
}

/** Compiles, loads and runs a graph once; inputs that the program does not have are left out. */
export async function runGraph(
  context: GoldenContext,
  session: Session,
  graph: Graph,
  inputs: Readonly<Record<string, TypedArray>>,
  dtype: 'fp32' | 'bf16' = 'fp32',
): Promise<Record<string, TypedArray>> {
  return session.load(compile(graph, { threads: context.threads, dtype })).runWith(inputs);
}

/** Splits the value of a parameter (or of its gradient) into the tensors that files hold. */
export function splitParameter(
  parameter: ParameterSpec,
  value: Float32Array,
): { name: string; data: Float32Array }[] {
  const parts = fileTensors(parameter);
  const step = value.length / parts.length;
  return parts.map(({ name }, index) => ({ name, data: value.subarray(index * step, (index + 1) * step) }));
}

/** labels[t] = the fixture's label of t+1, -100 at the end of a row: targets of the next position. */
export function shiftLabels(labels: Int32Array, length: number): Int32Array {
  const shifted = new Int32Array(labels.length).fill(-100);
  for (let i = 0; i < labels.length; i++) if ((i + 1) % length !== 0) shifted[i] = labels[i + 1]!;
  return shifted;
}

/** 0, 1, 2, … in each row. */
export function countedPositions(rows: number, length: number): Int32Array {
  return Int32Array.from({ length: rows * length }, (_, i) => i % length);
}

export function countTargets(labels: Int32Array): number {
  return labels.filter((label) => label >= 0).length;
}
