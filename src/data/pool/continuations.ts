import type { Message } from '../../text/chat-template.js';
import { Random } from '../random.js';
import type { SourceDocument } from '../sources/document.js';
import { PassageDrawer, type PassageWords, wordsOf } from './passages.js';

/**
 * Passages as conversations: the user gives the first half, the assistant says the second. A base model that saw some
 * knows the role and end tokens, which adapters, whose embeddings are frozen, could not teach it. `share` is of the
 * documents' words.
 */
export function continuations(
  documents: readonly SourceDocument[],
  options: { share: number; words: PassageWords; seed: number },
): Message[][] {
  const random = new Random(options.seed, 'continuations');
  const conversations: Message[][] = [];
  for (const document of documents) {
    const source = wordsOf(document);
    const drawer = new PassageDrawer(source, random);
    const wanted = options.share * source.words.length;
    for (let taken = 0; taken < wanted; ) {
      const passage = drawer.passage(options.words);
      if (passage === null) break;
      const words = passage.split(' ');
      const half = Math.floor(words.length / 2);
      conversations.push([
        { role: 'user', content: `Continue: ${words.slice(0, half).join(' ')}` },
        { role: 'assistant', content: words.slice(half).join(' ') },
      ]);
      taken += words.length;
    }
  }
  return conversations;
}
