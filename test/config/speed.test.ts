import { expect } from 'chai';
import { compose } from '../../src/config/index.js';
import { withFiles } from './fixture.js';

// An idle machine needs about 0.1 s of processor time; ten times that is no busy neighbour but a wrong algorithm.
const LIMIT_SECONDS = 1;

describe('a large config', () => {
  it('of 500 files and 1,000 overrides composes at once', function () {
    this.timeout(60_000);
    const groups = Array.from({ length: 500 }, (_, index) => `g${index}`);
    const files: Record<string, string> = {
      'config.yaml': `defaults:\n${groups.map((group) => `  - ${group}: a\n`).join('')}top: 1\n`,
    };
    for (const group of groups)
      files[`${group}/a.yaml`] = "x: 48\ny: [1, 2, 3]\nz: {a: text, b: 1e-4, c: '${top}'}\n";
    const overrides = groups.flatMap((group) => [`${group}.x=7`, `+${group}.new=[a,1,{k:v}]`]);
    withFiles(files, (folder) => {
      const before = process.cpuUsage();
      const composed = compose({ configDirs: [folder], configName: 'config', overrides });
      const { user, system } = process.cpuUsage(before);
      expect(composed.value('g499.x')).to.equal(7);
      expect(composed.value('g499.z.c')).to.equal(1);
      expect((user + system) / 1e6).to.be.below(LIMIT_SECONDS);
    });
  });
});
