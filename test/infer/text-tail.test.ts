import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { textTail } from '../../src/infer/index.js';
import { openJsonLines } from '../../src/runner/display/json-lines.js';

/** Every byte a token, as byte-level tokenizers fall back to. */
const bytes = { decode: async (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids)) };
const idsOf = (text: string) => [...Buffer.from(text)];

describe('the text that is shown while it is generated', () => {
  const cases: [name: string, ids: number[], shown: string][] = [
    ['is all of a short one', idsOf('Once upon'), 'Once upon'],
    ['stays on one line', idsOf('one\n\n two\tthree '), 'one two three'],
    ['waits for the rest of a character', idsOf('naïve 🌍').slice(0, -1), 'naïve'],
    ['begins with a whole character', idsOf(`é${'a'.repeat(47)}`), 'a'.repeat(47)],
    ['is empty before the first token', [], ''],
  ];
  for (const [name, ids, shown] of cases) {
    it(name, async () => expect(await textTail(bytes, ids)).to.equal(shown));
  }

  it('is no part of the events that programs read', () => {
    const stream = new PassThrough();
    const event = { type: 'progress', phase: 'generate', step: 3, totalSteps: 9, text: 'Once' } as const;
    openJsonLines(stream).event('generate', event);
    const line = JSON.parse(String(stream.read()));
    expect(line).to.include({ type: 'progress', phase: 'generate', at: 3 }).and.not.to.have.property('text');
  });
});
