import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

/** Which rooms a room may import. Everything may import src/errors.ts, and a room itself. */
const mayImport: Record<string, readonly string[]> = {
  'src/errors': [],
  'src/config': [],
  'src/graph': [],
  'src/text': [],
  'src/telemetry': [],
  'src/engine': ['src/graph'],
  'src/checkpoint': ['src/graph'],
  'src/models': ['src/graph', 'src/engine', 'src/checkpoint'],
  'src/data': ['src/text'],
  'src/train': ['src/graph', 'src/engine', 'src/checkpoint', 'src/models', 'src/data', 'src/telemetry'],
  'src/infer': ['src/graph', 'src/engine', 'src/checkpoint', 'src/models', 'src/text'],
  'src/select': ['src/graph', 'src/engine', 'src/checkpoint', 'src/models', 'src/data'],
  'src/evaluate': ['src/graph', 'src/engine', 'src/models', 'src/infer', 'src/data', 'src/text'],
  'src/golden': [
    'src/graph',
    'src/engine',
    'src/checkpoint',
    'src/models',
    'src/train',
    'src/infer',
    'src/evaluate',
  ],
  'src/runner': ['src/config', 'src/telemetry', 'src/checkpoint'],
  'src/report': ['src/checkpoint'],
  'src/serve': ['src/report', 'src/runner'],
  'src/cli': [
    'src/config',
    'src/engine',
    'src/runner',
    'src/telemetry',
    'src/report',
    'src/serve',
    'stages/index',
  ],
  'stages/index': ['src/runner', 'stages'],
  stages: [
    ...[
      'src/graph',
      'src/engine',
      'src/text',
      'src/checkpoint',
      'src/models',
      'src/data',
      'src/train',
      'src/infer',
    ],
    ...['src/evaluate', 'src/select', 'src/telemetry', 'src/runner', 'src/config'],
  ],
};

/** Packages with one owner. Whoever else wants what they do asks the owner. */
const owners: Record<string, string> = {
  execa: 'src/runner',
  listr2: 'src/runner',
  lowdb: 'src/runner',
  ajv: 'src/config',
  yaml: 'src/config',
  tokenizers: 'src/text',
  '@huggingface/jinja': 'src/text',
  '@duckdb/node-api': 'src/data',
};

interface Import {
  file: string;
  /** A file of the project, or a package name. */
  target: string;
  /** `import type`: nothing is left of it when the program runs. */
  typeOnly: boolean;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const imports = ['src', 'stages'].flatMap(sourceFiles).flatMap(importsOf);
const isOurs = ({ target }: Import) => target.endsWith('.ts');

describe('imports', () => {
  it('are found at all', () => {
    expect(imports.filter(isOurs)).to.have.length.greaterThan(100);
  });

  it('point only where the rooms may look', () => {
    const wrong = imports
      .filter(isOurs)
      .filter(({ file, target }) => room(file) !== room(target) && target !== 'src/errors.ts')
      .filter(({ file, target }) => !mayImport[room(file)]?.includes(room(target)))
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(wrong).to.deep.equal([]);
  });

  it('form no cycles', () => {
    expect(cycles()).to.deep.equal([]);
  });

  it('of a package with an owner stay in its room', () => {
    const wrong = imports
      .filter(
        ({ file, target }) =>
          owners[packageName(target)] !== undefined && owners[packageName(target)] !== room(file),
      )
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(wrong).to.deep.equal([]);
  });

  it('of the native addon stand in src/engine alone', () => {
    const loaders = ['src', 'stages']
      .flatMap(sourceFiles)
      .filter((file) => /sluice\.node|process\.dlopen/.test(readFileSync(join(root, file), 'utf8')));
    expect(loaders.filter((file) => room(file) !== 'src/engine')).to.deep.equal([]);
  });
});

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

// `import … from '…'`, `export … from '…'` and `import('…')`, with and without types.
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*.*?\*\//gs, '');
  const found = text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...found].map(([statement, named, lazy]) => {
    const written = (named ?? lazy)!;
    const target = written.startsWith('.')
      ? normalize(join(dirname(file), written)).replace(/\.js$/, '.ts')
      : written;
    return { file, target, typeOnly: /^(import|export) type/.test(statement) };
  });
}

/** `src/graph/ops/x.ts` -> `src/graph`; `src/cli.ts` -> `src/cli`; `stages/pretrain.ts` -> `stages`. */
function room(file: string): string {
  const [top, name] = file.replace(/\.ts$/, '').split('/');
  if (top === 'stages') return name === 'index' ? 'stages/index' : 'stages';
  return `${top}/${name}`;
}

const packageName = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');

// Types of one room may speak of each other; what runs may not.
// Each file is left with the path that led to it; one met again on its own path closes a cycle. Lazy imports count too.
function cycles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, target } of imports.filter((each) => isOurs(each) && !each.typeOnly))
    edges.set(file, [...(edges.get(file) ?? []), target]);
  const found = new Set<string>();
  const finished = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.add([...path.slice(at), file].join(' -> '));
    if (at >= 0 || finished.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return [...found];
}
