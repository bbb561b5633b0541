/** A command line as typed, quoted where a shell would take a word apart. */
export function commandText(argv: readonly string[]): string {
  return ['./run', ...argv.map(quote)].join(' ');
}

const quote = (word: string) =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
