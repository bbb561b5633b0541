import { SluiceError } from '../../errors.js';
import { Random } from '../random.js';
import type { SourceDocument } from '../sources/document.js';
import { PassageDrawer, type PassageWords, wordsOf } from './passages.js';

/** A question about a passage, with one right answer out of few. The prompt is `before + passage + after`. */
export interface Question {
  kind: string;
  before: string;
  passage: string;
  after: string;
  answer: string;
  choices: readonly string[];
  document: string;
}

export type QuestionKind =
  | 'century'
  | 'half_century'
  | 'decade'
  | 'party'
  | 'speaker'
  | 'next_word'
  | 'missing_word';

/** Words frequent enough that a small model can learn when each one comes. */
const COMMON_WORDS = ['the', 'of', 'to', 'and', 'in', 'that', 'be', 'our'];

/** Kinds that ask for something known about the whole document. */
const CLASSIFIERS: Partial<
  Record<QuestionKind, { ask: string; label: (document: SourceDocument) => string | null }>
> = {
  century: { ask: 'Which century is this from?', label: ({ year }) => centuryOf(year) },
  half_century: {
    ask: 'In which year did the half-century of this speech begin?',
    label: ({ year }) => (year === undefined || year < 1800 ? null : String(year - (year % 50))),
  },
  decade: {
    ask: 'Which decade is this from?',
    label: ({ year }) => (year === undefined || year < 1800 ? null : `${year - (year % 10)}s`),
  },
  party: {
    ask: 'Which party does the speaker belong to?',
    label: ({ party }) => (party === 'Democratic' || party === 'Republican' ? party : null),
  },
  speaker: { ask: 'Who said this?', label: ({ speaker }) => speaker?.split(' ').at(-1) ?? null },
};

export interface QuestionOptions {
  kinds: readonly QuestionKind[];
  /** Questions in all; spread evenly over kinds, then over the answers of each kind. */
  count: number;
  words: PassageWords;
  seed: number;
  /** Answers that a kind may have; see `answerClasses`. */
  classes: ReadonlyMap<QuestionKind, readonly string[]>;
}

/**
 * The answers of each kind, decided once for all splits: those that every split has documents for. `speaker` takes the
 * `speakers` surnames with most documents that only one person bears.
 *
 * @throws SluiceError `data.kind_needs_facts` when the documents do not say what a kind asks for.
 */
export function answerClasses(
  splits: readonly (readonly SourceDocument[])[],
  kinds: readonly QuestionKind[],
  speakers: number,
): Map<QuestionKind, readonly string[]> {
  const documents = splits.flat();
  return new Map(
    kinds.map((kind) => {
      const classifier = CLASSIFIERS[kind];
      if (classifier === undefined) return [kind, COMMON_WORDS];
      const perSplit = splits.map(
        (split) => new Set(split.flatMap((document) => classifier.label(document) ?? [])),
      );
      const everywhere = [...perSplit[0]!]
        .filter((label) => perSplit.every((labels) => labels.has(label)))
        .sort();
      const classes = kind === 'speaker' ? mostFrequent(everywhere, documents, speakers) : everywhere;
      if (classes.length < 2) {
        throw new SluiceError(
          'data.kind_needs_facts',
          `questions of kind "${kind}" have fewer than two answers here`,
          {
            hint: 'such questions need year, party and speaker of each document; for plain text use next_word and missing_word',
          },
        );
      }
      return [kind, classes];
    }),
  );
}

/** Questions from `documents` with balanced answers; fewer than asked for where an answer runs out of passages. */
export function makeQuestions(documents: readonly SourceDocument[], options: QuestionOptions): Question[] {
  const sources = documents.map(wordsOf);
  const random = new Random(options.seed, 'questions');
  const questions: Question[] = [];
  options.kinds.forEach((kind, k) => {
    const choices = options.classes.get(kind)!;
    const ofKind = share(options.count, options.kinds.length, k);
    choices.forEach((answer, c) => {
      const label = CLASSIFIERS[kind]?.label;
      const usable = sources
        .filter((source) => label === undefined || label(source.document) === answer)
        .map((source) => ({ source, drawer: new PassageDrawer(source, random) }));
      const wanted = share(ofKind, choices.length, c);
      for (let made = 0; made < wanted && usable.length > 0; ) {
        const i = random.below(usable.length);
        const { source, drawer } = usable[i]!;
        const drawn = draw(kind, drawer, answer, options.words);
        if (drawn === null) usable.splice(i, 1);
        else
          made +=
            questions.push({ ...drawn, kind, answer, choices, document: source.document.id }) > 0 ? 1 : 0;
      }
    });
  });
  return random.shuffle(questions);
}

/** The share of a majority-class guess: how often the most frequent answer of each kind is right. */
export function majorityBaseline(questions: readonly Pick<Question, 'kind' | 'answer'>[]): number {
  const counts = new Map<string, Map<string, number>>();
  for (const { kind, answer } of questions) {
    const ofKind = counts.get(kind) ?? new Map<string, number>();
    counts.set(kind, ofKind.set(answer, (ofKind.get(answer) ?? 0) + 1));
  }
  const right = [...counts.values()].reduce((sum, ofKind) => sum + Math.max(...ofKind.values()), 0);
  return right / questions.length;
}

type Drawn = Pick<Question, 'before' | 'passage' | 'after'>;

function draw(kind: QuestionKind, drawer: PassageDrawer, answer: string, words: PassageWords): Drawn | null {
  if (kind === 'next_word') {
    const found = drawer.around(answer, words);
    return found && { before: 'Continue: ', passage: found.words.slice(0, found.at).join(' '), after: '' };
  }
  if (kind === 'missing_word') {
    const found = drawer.around(answer, [2, words[0]]);
    return (
      found && {
        before: '',
        passage: found.words.with(found.at, '___').join(' '),
        after: ' Which word is missing?',
      }
    );
  }
  const passage = drawer.passage(words);
  return passage === null ? null : { before: '', passage, after: ` ${CLASSIFIERS[kind]!.ask}` };
}

/** The i-th part of `total` cut into `parts` nearly equal ones. */
function share(total: number, parts: number, i: number): number {
  return Math.floor((total * (i + 1)) / parts) - Math.floor((total * i) / parts);
}

/** The package begins in 1790; the few addresses of the eighteenth century are too few to ask about. */
function centuryOf(year: number | undefined): string | null {
  if (year === undefined || year <= 1800) return null;
  if (year <= 1900) return 'nineteenth';
  return year <= 2000 ? 'twentieth' : 'twenty-first';
}

/** Of `surnames`, the `count` with most documents that belong to one person only, by name. */
function mostFrequent(surnames: string[], documents: readonly SourceDocument[], count: number): string[] {
  const bearers = new Map<string, string[]>();
  for (const { speaker } of documents) {
    if (speaker === undefined) continue;
    const surname = speaker.split(' ').at(-1)!;
    bearers.set(surname, [...(bearers.get(surname) ?? []), speaker]);
  }
  return surnames
    .filter((surname) => new Set(bearers.get(surname)).size === 1)
    .sort((a, b) => bearers.get(b)!.length - bearers.get(a)!.length || (a < b ? -1 : 1))
    .slice(0, count)
    .sort();
}
