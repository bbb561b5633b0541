import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import {
  compileHost,
  compileMetal,
  expandMetal,
  findClang,
  metalSource,
  projectPath,
} from './metal-compile.js';
import { brokenRules } from './metal-rules.js';

describe("the GPU kernels as Metal's language", function () {
  this.timeout(60_000);
  let source: string;
  before(() => {
    source = metalSource();
  });

  if (process.platform === 'darwin') {
    it("compile with Apple's own compiler", function () {
      const found = spawnSync('xcrun', ['-sdk', 'macosx', '--find', 'metal']);
      if (found.status !== 0) return this.skip(); // it comes with Xcode, not with the command line tools
      const flags = ['-sdk', 'macosx', 'metal', '-x', 'metal', '-c', '-', '-o', '/dev/null'];
      const { status, stderr } = spawnSync('xcrun', flags, { input: source, encoding: 'utf8' });
      expect(status, stderr).to.equal(0);
    });
  }

  const clang = findClang();
  if (clang === undefined) {
    it('are not checked here: there is no clang 14 or newer (Debian: apt-get install clang-16)');
    return;
  }

  const problemsOf = (text: string) => {
    const { errors, output } = compileMetal(clang, text, '-Xclang', '-ast-dump');
    return [...errors, ...brokenRules(output)];
  };

  it('compile, and keep the rules that clang does not know', () => {
    expect(problemsOf(source)).to.deep.equal([]);
  });

  it('are all there, each with its buffers numbered without a gap and its numbers last', () => {
    const kernels = [...expandMetal(clang, source).matchAll(/\bkernel void (\w+)\(([^{]*)\) \{/g)];
    const list = `#define KERNEL_ENTRY(name) entry: name\n#include "${projectPath('native/backends/gpu/kernels.def')}"`;
    const listed = [...expandMetal(clang, list).matchAll(/entry: (\w+)/g)];
    expect(listed.length).to.be.greaterThan(40);
    expect(kernels.map(([, name]) => name).toSorted()).to.deep.equal(
      listed.map(([, name]) => name).toSorted(),
    );
    for (const [, name, parameters] of kernels) {
      const buffers = [...parameters!.matchAll(/(&?) \w+ \[\[buffer\((\d+)\)\]\]/g)];
      expect(
        buffers.map(([, , number]) => Number(number)),
        name,
      ).to.deep.equal(buffers.map((_, index) => index));
      expect(parameters!.match(/constant \w+& p \[\[buffer/g), name).to.have.length(1);
      expect(buffers.at(-1)![0], name).to.match(/^& p /);
    }
  });

  it('see their numbers laid out as the host writes them', () => {
    const kernels = [...expandMetal(clang, source).matchAll(/__constant (\w+)& p \[\[/g)];
    const named = [...new Set(kernels.map(([, name]) => name!))];
    expect(named.length).to.be.greaterThan(30);
    // clang lays out what is asked for its size
    const sizes = (scope: string) =>
      named.map((name) => `static_assert(sizeof(${scope}${name}) > 0, "");`).join('\n');
    const header = `#include "${projectPath('native/backends/gpu/kernels/kernels.h')}"\n`;
    const flags = ['-Xclang', '-fdump-record-layouts'];
    const metal = recordLayouts(compileMetal(clang, source + sizes(''), ...flags).output);
    const host = recordLayouts(compileHost(clang, header + sizes('sluice::dialect::'), ...flags).output);
    for (const name of named) {
      expect(metal.get(name), name).to.have.length.above(1);
      expect(metal.get(name), name).to.deep.equal(host.get(name));
    }
  });

  const faults: readonly [name: string, code: string, problem: RegExp][] = [
    ['a pointer of no memory', 'FN float f(const float* x) { return x[0]; }', /names no address space/],
    ['a reference of no memory', 'FN float f(float& x) { return x; }', /names no address space/],
    [
      'a cast that loses the memory',
      'FN float f(const DEVICE void* x) { return ((const float*)x)[0]; }',
      /names no address space/,
    ],
    [
      'a cast to another memory',
      'FN float f(const DEVICE void* x) { return ((const SHARED float*)x)[0]; }',
      /mismatching address spaces/,
    ],
    [
      'group memory of a helper',
      'FN float f(float x) { GROUP_MEMORY(float, y, 1); y[0] = x; return y[0]; }',
      /cannot be declared in local address space/,
    ],
    ['a double', 'FN float f(float x) { double y = x; return y; }', /'double' requires/],
    ['a number without f', 'FN float f(float x) { return x * 2.0; }', /double precision constant/],
    ['a word of the language as a name', 'FN int f(int thread) { return thread; }', /expected expression/],
    ['a type of the language as a name', 'FN int f(int half) { return half; }', /cannot combine/],
    ['a shader word as a name', 'FN int f(int fragment) { return fragment; }', /poisoned/],
    ['mathematics of whole numbers', 'FN float f(int x) { return exp(x); }', /ambiguous/],
    ['recursion', 'FN int f(int x) { return x ? f(x - 1) : 0; }', /^f calls itself$/],
    ['a lambda', 'FN int f(int x) { auto g = [](int y) { return y; }; return g(x); }', /LambdaExpr/],
    ['a table outside functions', 'const float table[2] = {1.0f, 2.0f};', /table lies outside functions/],
    ['C++ of 2017', 'FN int f(int x) { if (int y = x; y > 1) return y; return 0; }', /C\+\+17/],
  ];
  for (const [name, code, problem] of faults) {
    it(`would be refused with ${name}`, () => {
      const dialect = `#include "${projectPath('native/backends/gpu/dialect.h')}"\n`;
      expect(problemsOf(dialect + code).join('\n')).to.match(problem);
    });
  }
});

/** Of clang's dump of layouts: each struct's members as `offset name[length]`, then its size. */
function recordLayouts(dump: string): Map<string, string[]> {
  const layouts = new Map<string, string[]>();
  for (const record of dump.split('*** Dumping AST Record Layout').slice(1)) {
    const name = /\| struct (?:sluice::dialect::)?(\w+)\n/.exec(record)?.[1];
    if (name === undefined || layouts.has(name)) continue;
    const members = [...record.matchAll(/^ *(\d+) \| {3}\S*?(\[\d+\])? (\w+)$/gm)];
    const size = /sizeof=\d+/.exec(record)![0];
    layouts.set(name, [...members.map(([, at, length, member]) => `${at} ${member}${length ?? ''}`), size]);
  }
  return layouts;
}
