import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findClang, projectPath } from './metal-compile.js';

const module = projectPath('native/backends/metal');
const files = readdirSync(module).filter((name) => name.endsWith('.mm'));

describe('the Metal module', function () {
  this.timeout(60_000);
  const clang = findClang();
  if (clang === undefined) {
    it('is not checked here: there is no clang 14 or newer (Debian: apt-get install clang-16)');
    return;
  }

  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-metal-'));
    // what the build makes of the kernels, which another test compiles
    writeFileSync(join(folder, 'kernel-source.h'), 'inline constexpr char kKernelSource[] = "";\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Of a text in Objective-C++ with reference counting, over our declarations of Apple's frameworks. */
  const errorsOf = (text: string) => {
    const flags = [
      '-fsyntax-only',
      '-std=c++20',
      '-fobjc-arc',
      '-fobjc-runtime=macosx-13',
      '-Wall',
      '-Wextra',
    ];
    const folders = [folder, projectPath('test/native/metal-shim'), module].map((path) => `-I${path}`);
    const layouts = '-DSLUICE_LAYOUTS="those of a build"';
    const words = ['-x', 'objective-c++', ...flags, '-Werror', ...folders, layouts, '-'];
    return spawnSync(clang, words, { input: text, encoding: 'utf8' }).stderr;
  };

  it("fits the declarations of Apple's frameworks", () => {
    expect(files).to.include('metal-device.mm');
    expect(errorsOf(files.map((file) => `#include "${file}"\n`).join(''))).to.equal('');
  });

  const faults: readonly [name: string, code: string, problem: RegExp][] = [
    [
      'a method that Metal does not have',
      'id<MTLBuffer> f(id<MTLDevice> gpu) { return [gpu newBufferWithSize:1]; }',
      /newBufferWithSize:/,
    ],
    [
      'an object of another kind',
      'void f(id<MTLComputeCommandEncoder> to, id<MTLBuffer> b) { [to setComputePipelineState:b]; }',
      /MTLComputePipelineState/,
    ],
    [
      'a reference that reference counting loses',
      'void g(id<MTLBuffer>& made); void f() { id<MTLBuffer> made = nil; g(made); }',
      /__autoreleasing/,
    ],
  ];
  for (const [name, code, problem] of faults) {
    it(`would be refused with ${name}`, () => {
      expect(errorsOf(`#import <Metal/Metal.h>\n${code}\n`)).to.match(problem);
    });
  }
});
