import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { writeReport } from '../../src/report/index.js';
import {
  type Files,
  jsonl,
  removeTemporaryFolders,
  runFolder,
  temporaryFolder,
} from './fixture/run-folders.js';
import { firstFlaw } from './fixture/well-formed.js';

/** A line of answers.jsonl as stage 4 writes it. */
const line = (model: string, id: number, correct: boolean | null, dataset = 'century', text?: string) => ({
  ...{ model, dataset, id: `q${id}`, ...(correct !== null && { correct }), answer: `right ${id}` },
  generated: text ?? (correct ? `right ${id}` : `${model} says ${id}`),
  messages: [{ role: 'user', content: `Question ${id}?` }],
});

const questionsIn = (page: string, title: string) => {
  const card = page.slice(page.indexOf(`>${title}</h3>`)).split('</div>')[0]!;
  return [...card.matchAll(/class="mono">(q\d+)</g)].map(([, id]) => id);
};

describe('samples in a report', () => {
  after(removeTemporaryFolders);

  async function pageOf(record: object, files: Files = {}): Promise<string> {
    const folder = await runFolder(await temporaryFolder(), record, files);
    const page = await readFile(await writeReport(folder), 'utf8');
    expect(firstFlaw(page)).to.equal(null);
    return page;
  }

  it('are answers that the last model got right and wrong, beside those of the others', async () => {
    const lines = [
      ...[line('base', 1, false), line('base', 2, false), line('base', 3, true)],
      ...[line('tuned', 1, true), line('tuned', 2, false), line('tuned', 3, true)],
    ];
    const page = await pageOf({}, { 'answers.jsonl': jsonl(lines) });
    expect(page).to.include('base: 1 of 3 right (33.3 %) · tuned: 2 of 3 right (66.7 %)');
    expect(questionsIn(page, 'Right, by tuned')).to.deep.equal(['q1', 'q3']);
    expect(questionsIn(page, 'Wrong, by tuned')).to.deep.equal(['q2']);
    expect(page).to.match(
      /<p><b>user<\/b>Question 2\?<\/p>\s*<dl class="given"><dt>expected<\/dt><dd>right 2</,
    );
    expect(page).to.match(/<dt>base<\/dt><dd><span class="wrong">✗<\/span> base says 2<\/dd>/);
  });

  it('are of as many datasets as there are, not of the one that comes first', async () => {
    const lines = [
      ...[1, 2, 3, 4, 5, 6].map((id) => line('base', id, false, 'first')),
      ...[7, 8, 9].map((id) => line('base', id, false, 'second')),
    ];
    const page = await pageOf({}, { 'answers.jsonl': jsonl(lines) });
    expect(questionsIn(page, 'Wrong, by base')).to.deep.equal(['q1', 'q7', 'q2', 'q8']);
    expect(page).to.not.include('Right, by');
  });

  it('of several runs of a model show each question once, with what every run said', async () => {
    const runs = [1, 2].flatMap((run) => [1, 2].map((id) => ({ ...line('tuned', id, run === 2), run })));
    const page = await pageOf({}, { 'answers.jsonl': jsonl(runs) });
    expect(page).to.include('tuned: 2 of 4 right (50.0 %)');
    expect(questionsIn(page, 'Right, by tuned')).to.deep.equal(['q1', 'q2']);
    expect(page).to.match(/<dt>tuned 1<\/dt><dd>.*tuned says 1<\/dd><dt>tuned 2<\/dt><dd>.*right 1<\/dd>/);
  });

  it('where the last model got none right are right ones of the one before', async () => {
    const lines = [
      line('base', 1, true),
      line('base', 2, false),
      line('tuned', 1, false),
      line('tuned', 2, false),
    ];
    const page = await pageOf({}, { 'answers.jsonl': jsonl(lines) });
    expect(questionsIn(page, 'Right, by base')).to.deep.equal(['q1']);
    expect(questionsIn(page, 'Wrong, by tuned')).to.deep.equal(['q1', 'q2']);
  });

  it('of a file that does not say what is right are just questions', async () => {
    const page = await pageOf({}, { 'answers.jsonl': jsonl([line('base', 1, null, 'century', ' ')]) });
    expect(page).to.include('<small>base: 1</small>').and.include('<dd><i>nothing</i></dd>');
    expect(questionsIn(page, 'Questions')).to.deep.equal(['q1']);
  });

  it('of generation follow their prompts, the first dozen of them', async () => {
    const one = await pageOf({ config: { prompt: 'Once' }, facts: { result: { ids: [1], text: ' upon' } } });
    expect(one).to.include('<p><span class="soft">Once</span> upon</p>');
    const results = Array.from({ length: 13 }, (_, index) => ({ prompt: `p${index}`, ids: [], text: ' t' }));
    const many = await pageOf({ facts: { result: { results } } });
    expect(many).to.include('the first 12 of 13').and.include('>p11<').and.not.include('>p12<');
  });

  it('are escaped, and a torn file costs its torn line', async () => {
    const hostile = '</script><script>alert("x")</script><img src=x>';
    const lines = jsonl([{ ...line(hostile, 1, false, hostile, hostile), id: hostile, answer: hostile }]);
    const page = await pageOf({ facts: { result: { text: hostile } } }, { 'answers.jsonl': `${lines}{"mod` });
    expect(page).to.not.include('<img').and.not.include('alert("x")');
    expect(page).to.include('0 of 1 right');
  });
});
