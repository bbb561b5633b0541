/** 1 where the generated text is the answer, blanks at both ends aside; else 0. */
export const exactMatch = (generated: string, answer: string): number =>
  generated.trim() === answer.trim() ? 1 : 0;
