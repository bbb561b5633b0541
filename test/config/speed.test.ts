import { expect } from 'chai';
import { compose } from '../../src/config/index.js';
import { withFiles } from './fixture.js';
import { largeTree } from './large-tree.js';

// An idle machine needs about 0.08 s of processor time (npm run bench:config says); six times that is no busy neighbour.
const LIMIT_SECONDS = 0.5;

describe('a large config', () => {
  it('of 500 files and 1,000 overrides composes at once', function () {
    this.timeout(60_000);
    const { files, overrides } = largeTree();
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
