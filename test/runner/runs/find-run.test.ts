import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { History } from '../../../src/runner/history.js';
import { findRun } from '../../../src/runner/runs/find-run.js';
import { makeRun } from '../fixtures/make-run.js';

describe('the run that a word means', () => {
  let root: string;
  before(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-find-')));
    const ids = [
      'train/2026-01-30/12-00-00',
      'train/2026-01-31/12-00-00',
      'train/2026-01-31/12-00-00-2',
      'copy/2026-01-31/08-00-00',
    ];
    for (const [index, id] of ids.entries())
      await makeRun(root, {
        id,
        startedAt: `2026-01-31T12:00:0${index}.000Z`,
        files: { 'model/weights': 'w' },
      });
  });
  after(() => rmSync(root, { recursive: true }));
  const find = (word: string, bases = [join(root, 'outputs/train'), root]) =>
    findRun(word, {
      history: new History(root),
      bases,
      canonical: (name) => (name === 'stage_0' ? 'train' : name),
    });

  const rows: [what: string, word: string, id: string][] = [
    ['its id', 'train/2026-01-31/12-00-00', 'train/2026-01-31/12-00-00'],
    ['a part of it', '01-30', 'train/2026-01-30/12-00-00'],
    ['a part that is the beginning of one in another', '2026-01-31/12-00-00', 'train/2026-01-31/12-00-00'],
    ['the end of it', '00-2', 'train/2026-01-31/12-00-00-2'],
    ['the latest run', 'latest', 'copy/2026-01-31/08-00-00'],
    ['the latest of a stage', 'latest:train', 'train/2026-01-31/12-00-00-2'],
    ['the latest of a stage by its alias', 'latest:stage_0', 'train/2026-01-31/12-00-00-2'],
    ['a folder from the project', 'outputs/copy/2026-01-31/08-00-00', 'copy/2026-01-31/08-00-00'],
    ['a folder from where the caller is', '2026-01-31/12-00-00/', 'train/2026-01-31/12-00-00'],
    ['a file in the folder', 'outputs/copy/2026-01-31/08-00-00/model/weights', 'copy/2026-01-31/08-00-00'],
  ];
  for (const [what, word, id] of rows) {
    it(`is found by ${what}: ${word}`, () => {
      for (const bases of what.includes('folder') ? [undefined] : [undefined, []])
        expect(find(word, bases).record.id).to.equal(id);
    });
  }

  it('is none of the folder of a sweep, whose jobs are runs', () => {
    mkdirSync(join(root, 'outputs/multirun/1'), { recursive: true });
    writeFileSync(join(root, 'outputs/multirun/1/sweep.json'), '{}');
    for (const word of ['multirun/1', 'outputs/multirun/1'])
      expect(() => find(word)).to.throw(SluiceError, `${word} is a sweep, not a run`);
  });

  const refused: [word: string, message: string, hint: string][] = [
    ['nothing-like-it', 'no run is called nothing-like-it', './run runs lists them'],
    [
      'copy/2026-01-31/08-00-01',
      'no run is called copy/2026-01-31/08-00-01',
      'did you mean copy/2026-01-31/08-00-00?',
    ],
    [
      '2026-01-31/12',
      '2026-01-31/12 could be any of 2 runs',
      'the latest of them: train/2026-01-31/12-00-00, train/2026-01-31/12-00-00-2',
    ],
    ['latest:trian', 'there is no run of trian', 'did you mean train?'],
    ['latest:bench', 'there is no run of bench', 'there are runs of train, copy'],
  ];
  for (const [word, message, hint] of refused) {
    it(`is not guessed: ${word}`, () => {
      const error = caught(() => find(word));
      expect({ message: error.message, hint: error.hint, code: error.code }).to.deep.equal({
        message,
        hint,
        code: 'usage.run',
      });
    });
  }
});

function caught(work: () => unknown): SluiceError {
  try {
    work();
  } catch (error) {
    if (error instanceof SluiceError) return error;
  }
  throw new Error('it threw no SluiceError');
}
