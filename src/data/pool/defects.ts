import type { Random } from '../random.js';
import type { Question } from './questions.js';

export type DefectName =
  | 'shuffled'
  | 'truncated'
  | 'wrong_script'
  | 'mojibake'
  | 'boilerplate'
  | 'markup'
  | 'mislabelled'
  | 'char_noise'
  | 'repetition';

/**
 * Ways in which scraped data goes wrong. Each makes a bad copy of a good question; what befalls a whole conversation
 * befalls its answer too.
 */
export const DEFECTS: Record<DefectName, (question: Question, random: Random) => Question> = {
  shuffled: (question, random) =>
    withPassage(question, random.shuffle(question.passage.split(' ')).join(' ')),

  // A tenth to a quarter of the passage is left and at most half of the answer, cut anywhere, also inside a word.
  truncated: (question, random) => {
    const share = 0.1 + 0.15 * random.next();
    return {
      ...question,
      passage: question.passage.slice(0, Math.max(4, Math.floor(question.passage.length * share))),
      answer: question.answer.slice(0, Math.max(1, Math.floor(question.answer.length / 2))),
    };
  },

  // Other scripts take several tokens a letter, so the passage is shortened to stay as long in tokens.
  wrong_script: (question, random) => {
    const alphabet = random.pick(SCRIPTS);
    return everywhere(shortened(question, 4), (text) =>
      text
        .toLowerCase()
        .replace(/[a-z]/g, (letter) => alphabet[(letter.charCodeAt(0) - 97) % alphabet.length]!)
        .replace(/\d/g, (digit) => alphabet[Number(digit)]!),
    );
  },

  // ASCII read as UTF-16, two letters to a Chinese character of several tokens: shortened for the same reason.
  mojibake: (question) =>
    everywhere(shortened(question, 2), (text) =>
      text.replace(/[!-~][ -~]/g, (pair) => Buffer.from(pair, 'ascii').toString('utf16le')),
    ),

  boilerplate: (question, random) => {
    const [answer, ...sentences] = random.shuffle([...BOILERPLATE]);
    let passage = sentences[0]!;
    for (const sentence of sentences.slice(1)) {
      if (passage.length + sentence.length < question.passage.length) passage += ` ${sentence}`;
    }
    return { ...question, passage, answer: answer! };
  },

  // Tags between the words, blanks as entities.
  markup: (question, random) => {
    const words = question.passage.slice(0, question.passage.length / 2).split(' ');
    const passage = words
      .map((word) => `${random.next() < 0.3 ? random.pick(TAGS) : ''}${word}`)
      .join('&nbsp;');
    return { ...question, passage, answer: `<p class="answer">${question.answer}</p>` };
  },

  mislabelled: (question, random) => ({
    ...question,
    answer: random.pick(question.choices.filter((choice) => choice !== question.answer)),
  }),

  // A fifth of the letters and digits is lost, replaced or doubled; of the answer at least one is replaced.
  char_noise: (question, random) => {
    const other = () => String.fromCharCode(97 + random.below(26));
    const noisy = (text: string) =>
      text.replace(/[a-z\d]/gi, (letter) =>
        random.next() >= 0.2 ? letter : random.pick(['', other(), letter + letter]),
      );
    const at = random.below(question.answer.length);
    return {
      ...question,
      passage: noisy(question.passage),
      answer: `${noisy(question.answer.slice(0, at))}${other()}${noisy(question.answer.slice(at + 1))}`,
    };
  },

  // A few words over and over, and the answer as often as three to five times.
  repetition: (question, random) => {
    const words = question.passage.split(' ');
    const length = Math.min(words.length, 2 + random.below(3));
    const start = random.below(words.length - length + 1);
    const phrase = words.slice(start, start + length);
    return {
      ...question,
      passage: words.map((_, i) => phrase[i % length]).join(' '),
      answer: new Array<string>(3 + random.below(3)).fill(question.answer).join(' '),
    };
  },
};

function withPassage(question: Question, passage: string): Question {
  return { ...question, passage };
}

/** The first `1 / parts` of the passage. */
function shortened(question: Question, parts: number): Question {
  return withPassage(question, question.passage.slice(0, question.passage.length / parts));
}

function everywhere(question: Question, change: (text: string) => string): Question {
  const { before, passage, after, answer } = question;
  return {
    ...question,
    before: change(before),
    passage: change(passage),
    after: change(after),
    answer: change(answer),
  };
}

/** Cyrillic, Greek, Hebrew, hiragana: letters to stand for Latin ones. */
const SCRIPTS = [
  'абцдефгхийклмнопярстувшжуз',
  'αβκδεφγηιξκλμνοπθρστυωψχζς',
  'אבגדהוזחטיכלמנסעפצקרשת',
  'あいうえおかきくけこさしすせそたちつてとなにぬね',
];

const BOILERPLATE = [
  'Click here to subscribe to our newsletter.',
  'All rights reserved. Terms and conditions apply.',
  'This site uses cookies. Accept all cookies to continue reading.',
  'Sign in or create an account to post a comment.',
  'Share this page on your favorite social network.',
  'Page not found. Return to the home page or try a search.',
  'Enable JavaScript in your browser settings to view this content.',
  'Add to cart. Free shipping on orders over fifty dollars.',
  'Privacy policy | Contact us | Sitemap | Advertise with us',
  'Read more articles like this one in our archive.',
  'Your download will start in five seconds.',
  'Copyright notice: no part of this page may be copied without written permission.',
  'Related posts: ten tips for a better home, and five recipes for the weekend.',
  'Loading, please wait. If nothing happens, refresh the page.',
];

const TAGS = [
  '<p>',
  '</p>',
  '<br/>',
  '<li>',
  '<div class="text">',
  '</div>',
  '<span style="color:#333">',
  '</span>',
  '<a href="#top">',
  '</a>',
];
