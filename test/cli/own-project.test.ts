import { expect } from 'chai';
import { ownProject } from '../../src/cli/own-project.js';

describe('ownProject', () => {
  it('takes only the streams of the process it is given', () => {
    const project = ownProject('/somewhere', process);
    expect(project.cwd).to.equal(process.cwd());
    expect(Object.keys(project).sort()).to.deep.equal([
      'configs',
      'cwd',
      'env',
      'root',
      'stages',
      'stagesModule',
      'stderr',
      'stdout',
    ]);
  });
});
