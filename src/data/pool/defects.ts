import type { Random } from '../random.js';
import type { Question } from './questions.js';

export type DefectName =
  | 'shuffled'
  | 'truncated'
  | 'wrong_script'
  | 'boilerplate'
  | 'mislabelled'
  | 'char_noise'
  | 'repetition';

/** Ways in which scraped data goes wrong. Each makes a bad copy of a good question. */
export const DEFECTS: Record<DefectName, (question: Question, random: Random) => Question> = {
  shuffled: (question, random) =>
    withPassage(question, random.shuffle(question.passage.split(' ')).join(' ')),

  // A tenth to a quarter of the passage is left, cut anywhere, also inside a word.
  truncated: (question, random) => {
    const share = 0.1 + 0.15 * random.next();
    return withPassage(
      question,
      question.passage.slice(0, Math.max(4, Math.floor(question.passage.length * share))),
    );
  },

  // Other scripts take several tokens a letter, so the passage is shortened to stay as long in tokens.
  wrong_script: (question, random) => {
    const alphabet = random.pick(SCRIPTS);
    const short = question.passage.toLowerCase().slice(0, question.passage.length / 4);
    return withPassage(
      question,
      short.replace(/[a-z]/g, (letter) => alphabet[(letter.charCodeAt(0) - 97) % alphabet.length]!),
    );
  },

  boilerplate: (question, random) => {
    const sentences = random.shuffle([...BOILERPLATE]);
    let passage = sentences[0]!;
    for (const sentence of sentences.slice(1)) {
      if (passage.length + sentence.length < question.passage.length) passage += ` ${sentence}`;
    }
    return withPassage(question, passage);
  },

  mislabelled: (question, random) => ({
    ...question,
    answer: random.pick(question.choices.filter((choice) => choice !== question.answer)),
  }),

  // A fifth of the letters is lost, replaced or doubled.
  char_noise: (question, random) =>
    withPassage(
      question,
      question.passage.replace(/[a-z]/gi, (letter) => {
        if (random.next() >= 0.2) return letter;
        return random.pick(['', String.fromCharCode(97 + random.below(26)), letter + letter]);
      }),
    ),

  repetition: (question, random) => {
    const words = question.passage.split(' ');
    const length = Math.min(words.length, 2 + random.below(3));
    const start = random.below(words.length - length + 1);
    const phrase = words.slice(start, start + length);
    return withPassage(question, words.map((_, i) => phrase[i % length]).join(' '));
  },
};

function withPassage(question: Question, passage: string): Question {
  return { ...question, passage };
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
