const tokensShown = 48;
const charactersShown = 76; // of a line of a terminal, with room for its mark

interface Decoder {
  decode(ids: readonly number[]): Promise<string>;
}

/** The end of a text that is being generated, for a person who watches it: on one line, in whole characters. */
export async function textTail(decoder: Decoder, ids: readonly number[]): Promise<string> {
  const text = await decoder.decode(ids.slice(-tokensShown));
  // a character whose other bytes are still to come, or were before the tokens shown
  const whole = text.replace(/^\uFFFD+|\uFFFD+$/g, '');
  return [...whole.replace(/\s+/g, ' ').trim()].slice(-charactersShown).join('');
}
