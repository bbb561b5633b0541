import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { History } from './history.js';
import { readRunRecord } from './run-record.js';

/**
 * `${run:stage}`: folder of the latest good run of a stage, relative to the project root where inside it.
 * `${run:stage,output}`: one of its outputs by name. `before` passes over runs that ended after that moment. `canonical` turns an alias into the stage's name.
 * Throws SluiceError `config.no_run` where there is no such run or output.
 */
export function resolveRun(
  root: string,
  canonical: (name: string) => string,
  stage: string,
  output?: string,
  before?: string,
): string {
  const name = canonical(stage);
  const folder = new History(root).latestGood(name, before);
  if (folder === undefined) {
    throw new SluiceError(
      'config.no_run',
      `\${run:${stage}}: there is no finished run of ${name} to refer to`,
      {
        hint: `./run ${stage} first, or give the path in its place`,
      },
    );
  }
  if (output === undefined) return relative(root, folder);
  const { outputs } = readRunRecord(folder);
  const found = outputs.find((each) => each.name === output);
  if (found === undefined) {
    throw new SluiceError(
      'config.no_run',
      `\${run:${stage},${output}}: the latest good run of ${name} made no ${output}`,
      {
        where: folder,
        hint: `it made ${outputs.map((each) => each.name).join(', ') || 'nothing'}`,
      },
    );
  }
  return relative(root, resolve(folder, found.path));
}

/**
 * `${seed:name}`: a seed of its own for one purpose, the same for the same name and main seed, so that two parts of a run
 * never share a random sequence by accident. 31 bits: fits every integer type there is.
 */
export function deriveSeed(seed: number, name: string): number {
  return createHash('sha256').update(`${seed}:${name}`).digest().readUInt32LE(0) >>> 1;
}
