import { expect } from 'chai';
import {
  answerClasses,
  buildPool,
  DEFECTS,
  type DefectName,
  majorityBaseline,
  makeQuestions,
  type Question,
  Random,
  unigramLoss,
} from '../../src/data/index.js';
import { PassageDrawer, wordsOf } from '../../src/data/pool/passages.js';

const QUESTION: Question = {
  kind: 'century',
  before: '',
  passage:
    'The people of the land have asked Mr. Smith to keep the peace, and he has kept it well for ten years.',
  after: ' Which century is this from?',
  answer: 'nineteenth',
  choices: ['nineteenth', 'twentieth'],
  document: 'd',
};

/** Defects of the whole row, its question too. */
const WHOLE = new Set<DefectName>(['wrong_script', 'mojibake']);

const letters = (text: string) => [...text].sort().join('');
const isLatin = (text: string) => /^[\x20-\x7e]*$/.test(text);

describe('defects', () => {
  const claims: Record<DefectName, (made: Question) => boolean> = {
    shuffled: (made) =>
      letters(made.passage) === letters(QUESTION.passage) &&
      made.passage.split(' ').sort().join(' ') === QUESTION.passage.split(' ').sort().join(' '),
    truncated: (made) =>
      QUESTION.passage.startsWith(made.passage) &&
      made.passage.length <= 0.25 * QUESTION.passage.length &&
      made.answer === 'ninet',
    wrong_script: (made) => [made.passage, made.after, made.answer].every((text) => !/[a-z]/i.test(text)),
    mojibake: (made) =>
      [made.passage, made.after, made.answer].every((text) => /[\u0800-\uffff]{3}/.test(text)),
    boilerplate: (made) =>
      made.passage.split(' ').every((word) => word.length > 0) && !made.passage.includes('Smith'),
    markup: (made) =>
      made.passage.replaceAll(/<.*?>/g, '').replaceAll('&nbsp;', ' ') ===
        QUESTION.passage.slice(0, QUESTION.passage.length / 2) &&
      made.answer === '<p class="answer">nineteenth</p>',
    mislabelled: (made) => made.passage === QUESTION.passage && made.answer === 'twentieth',
    char_noise: (made) =>
      isLatin(made.passage) &&
      Math.abs(made.passage.length - QUESTION.passage.length) < 20 &&
      made.answer !== QUESTION.answer,
    repetition: (made) =>
      made.passage.split(' ').length === QUESTION.passage.split(' ').length &&
      new Set(made.passage.split(' ')).size <= 4 &&
      /^nineteenth( nineteenth){2,4}$/.test(made.answer),
  };
  for (const name of Object.keys(DEFECTS) as DefectName[]) {
    it(`${name} spoils what it says and leaves the rest alone`, () => {
      for (let seed = 0; seed < 20; seed++) {
        const made = DEFECTS[name](QUESTION, new Random(seed));
        expect(claims[name](made), JSON.stringify(made)).to.equal(true);
        expect([made.before, made.choices]).to.deep.equal(['', QUESTION.choices]);
        if (!WHOLE.has(name)) expect(made.after).to.equal(QUESTION.after);
        expect(made.passage + made.answer).to.not.equal(QUESTION.passage + QUESTION.answer);
        if (name === 'shuffled') expect(made.answer).to.equal(QUESTION.answer);
      }
    });
  }

  it('come in the proportion of their weights, and make the asked share of the pool', () => {
    const questions = Array.from({ length: 60 }, (_, i) => ({
      ...QUESTION,
      passage: `${QUESTION.passage} ${i}`,
    }));
    const defects = { shuffled: 3, mislabelled: 1, truncated: 0 };
    const { rows, truth } = buildPool(questions, { dirtyShare: 0.4, defects, seed: 1 });
    const count = (name: DefectName | null) => truth.filter((row) => row.defect === name).length;
    expect([
      rows.length,
      count(null),
      count('shuffled'),
      count('mislabelled'),
      count('truncated'),
    ]).to.deep.equal([100, 60, 30, 10, 0]);
    const originals = new Set(truth.filter((row) => row.quality === 0).map((row) => row.copy_of));
    expect(originals.size).to.equal(40);
  });

  it('may be most of a pool: every row is copied before one is copied again', () => {
    const questions = Array.from({ length: 20 }, (_, i) => ({
      ...QUESTION,
      passage: `${QUESTION.passage} ${i}`,
    }));
    const { rows, truth } = buildPool(questions, {
      dirtyShare: 0.75,
      defects: { shuffled: 1, markup: 1 },
      seed: 1,
    });
    const copies = new Map<string, number>();
    for (const { copy_of } of truth) if (copy_of) copies.set(copy_of, (copies.get(copy_of) ?? 0) + 1);
    expect([rows.length, copies.size, ...new Set(copies.values())]).to.deep.equal([80, 20, 3]);
  });
});

describe('questions', () => {
  const speech = (word: string) =>
    `We ${word} the land and the sea to be free for all of us in our time of need. `.repeat(30);
  const documents = ['Ann Lee', 'Ann Lee', 'Bo Day', 'Bo Day', 'Cy Fox', 'Di Fox'].map((speaker, i) => ({
    id: String(i),
    text: speech(speaker),
    speaker,
    year: 1850 + 60 * (i % 2),
    party: 'Whig',
  }));

  it('have answers in equal numbers, and the baseline of guessing the most frequent one is right', () => {
    const classes = answerClasses([documents], ['century', 'next_word'], 2);
    const options = {
      kinds: ['century', 'next_word'] as const,
      count: 48,
      words: [6, 20] as const,
      seed: 1,
      classes,
    };
    const questions = makeQuestions(documents, options);
    const count = (answer: string) => questions.filter((question) => question.answer === answer).length;
    expect([count('nineteenth'), count('twentieth'), count('of'), count('our')]).to.deep.equal([
      12, 12, 3, 3,
    ]);
    const nextWord = questions.filter((question) => question.kind === 'next_word');
    // "that" never occurs in the speeches, and "and" only before the sixth word: 18 of 24 are made.
    expect(nextWord).to.have.length(18);
    expect(majorityBaseline(questions)).to.equal((12 + 3) / 42);
  });

  it('about speakers leave out names that two persons bear, and splits that lack one', () => {
    expect(answerClasses([documents], ['speaker'], 5).get('speaker')).to.deep.equal(['Day', 'Lee']);
    expect(() => answerClasses([documents, documents.slice(0, 2)], ['speaker'], 5)).to.throw(
      'fewer than two answers',
    );
    expect(() => answerClasses([documents], ['party'], 5)).to.throw(
      'questions of kind "party" have fewer than two answers here',
    );
  });

  it('show passages that start a sentence, end one where they can, and never twice from one start', () => {
    const text =
      'One two three four five. Mr. Smith went to the U.S. Senate today. Six seven eight nine ten eleven twelve.';
    const drawer = new PassageDrawer(wordsOf({ id: 'd', text }), new Random(1));
    const passages: (string | null)[] = [];
    for (let i = 0; i < 4; i++) passages.push(drawer.passage([4, 9]));
    expect(passages.filter((passage) => passage !== null).sort()).to.deep.equal([
      'Mr. Smith went to the U.S. Senate today.',
      'One two three four five.',
      'Six seven eight nine ten eleven twelve.',
    ]);
  });
});

describe('the unigram baseline', () => {
  it('is the cross-entropy of smoothed training frequencies, without first tokens', () => {
    const loss = unigramLoss([Int32Array.of(0, 1, 1)], [Int32Array.of(0, 1, 2)], 3);
    // Counts with one added: 2, 3, 1 of 6.
    expect(loss).to.be.closeTo(-(Math.log(3 / 6) + Math.log(1 / 6)) / 2, 1e-12);
  });
});

describe('seeded random numbers', () => {
  it('are even, the same for the same purpose and unrelated for another', () => {
    const draw = (...purpose: string[]) => {
      const random = new Random(5, ...purpose);
      return Array.from({ length: 20_000 }, () => random.below(10));
    };
    const [a, b] = [draw('a'), draw('b')];
    expect(draw('a')).to.deep.equal(a);
    for (let digit = 0; digit < 10; digit++) {
      expect(a.filter((value) => value === digit).length).to.be.within(1800, 2200);
    }
    expect(a.filter((value, i) => value === b[i]).length).to.be.within(1800, 2200);
  });
});
