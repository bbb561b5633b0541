/** Text as one word of bash, zsh and fish alike. */
export function quoted(text: string): string {
  return /^[\w/.+-]+$/.test(text) ? text : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "'\\''")}'`;
}
