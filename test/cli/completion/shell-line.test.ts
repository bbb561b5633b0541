import { expect } from 'chai';
import { readShellLine } from '../../../src/cli/completion/shell-line.js';

const breaks = ' \t\n"\'@><=;|&(:';

describe('a command line up to the cursor', () => {
  const rows: [what: string, line: string, words: string[], current: string, quote: string, kept: number][] =
    [
      ['the program alone', './run', [], './run', '', 0],
      ['nothing typed yet', './run ', [], '', '', 0],
      ['words and the one being typed', './run pretrain see', ['pretrain'], 'see', '', 0],
      ['several blanks', './run   pretrain  ', ['pretrain'], '', '', 0],
      ['variables before the program', 'A=1 B=2 ./run st', [], 'st', '', 0],
      ['a word break', './run x model=ll', ['x'], 'model=ll', '', 6],
      ['the last of several word breaks', './run x a@b.c=d', ['x'], 'a@b.c=d', '', 6],
      ['a finished quoted word', "./run 'a b' c", ['a b'], 'c', '', 0],
      ['an open quote', "./run x '~mod", ['x'], '~mod', "'", 0],
      ['a word break before an open quote', './run x a="b=c', ['x'], 'a=b=c', '"', 2],
      ['a word break inside a closed quote', "./run x 'a=b'c", ['x'], 'a=bc', '', 0],
      ['an escaped character', './run x \\~mod', ['x'], '~mod', '', 0],
      ['an escaped quote within quotes', './run x "a\\"b', ['x'], 'a"b', '"', 0],
      ['a backslash at the end', './run x a\\', ['x'], 'a', '', 0],
    ];
  for (const [what, line, words, current, quote, kept] of rows) {
    it(`splits ${what}`, () => {
      expect(readShellLine(line, breaks)).to.deep.equal({ words, current, quote, kept });
    });
  }

  it('keeps nothing where the shell breaks words at blanks only', () => {
    expect(readShellLine('./run x model=ll').kept).to.equal(0);
  });
});
