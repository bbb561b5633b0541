import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** dist/test/native -> the project's folder. */
export const projectPath = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The first clang 14 or newer, LLVM's own: Apple's has no OpenCL. */
export function findClang(): string | undefined {
  const names = ['clang++', ...[21, 20, 19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)];
  return names.find((name) => {
    const about = spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    return !about.includes('Apple') && Number(/clang version (\d+)/.exec(about)?.[1] ?? 0) >= 14;
  });
}

/** All kernels as the one text that the Metal module gives to Apple's compiler. */
export function metalSource(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-metal-'));
  const out = join(folder, 'kernels.metal');
  const script = projectPath('native/backends/metal/kernel-source.cmake');
  const { status, stderr } = spawnSync('cmake', [`-DOUT=${out}`, '-P', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`kernel-source.cmake fails: ${stderr}`);
  const source = readFileSync(out, 'utf8');
  rmSync(folder, { recursive: true });
  return source;
}

/**
 * Arguments that make clang read Metal's language: C++ for OpenCL, where pointers into different memories do not mix,
 * without doubles, over the declarations of metal-shim/.
 */
const asMetal = [
  ...['-x', 'clcpp', '-cl-std=clc++2021', '-cl-no-stdinc', '--target=spir64'],
  ...['-Xclang', '-cl-ext=-cl_khr_fp64,-__opencl_c_fp64', '-D__METAL_VERSION__=310'],
  ...['-isystem', projectPath('test/native/metal-shim')],
  // Metal's C++ is that of 2014
  ...[
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wpre-c++17-compat',
    '-Wno-unknown-attributes',
    '-Wno-unused-parameter',
  ],
];

export interface Compiled {
  /** clang's errors, without places; empty where it compiles. */
  errors: string[];
  output: string;
}

export function compileMetal(clang: string, source: string, ...flags: string[]): Compiled {
  return compile(clang, ['-fsyntax-only', ...asMetal, ...flags, '-'], source);
}

/** The text after the preprocessor. */
export function expandMetal(clang: string, source: string): string {
  const { errors, output } = compile(clang, [...asMetal, '-E', '-'], source);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return output;
}

/** A text in the engine's own C++. */
export function compileHost(clang: string, source: string, ...flags: string[]): Compiled {
  return compile(clang, ['-fsyntax-only', '-x', 'c++', '-std=c++20', ...flags, '-'], source);
}

function compile(clang: string, flags: string[], input: string): Compiled {
  const { status, stdout, stderr } = spawnSync(clang, flags, {
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  const errors = stderr.split('\n').flatMap((line) => /error: (.*)/.exec(line)?.[1] ?? []);
  if (status !== 0 && errors.length === 0) errors.push(stderr.trim() || `${clang} does not start`);
  return { errors, output: stdout };
}
