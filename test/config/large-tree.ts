/** A config of 500 groups, one file of each chosen, and two overrides for each: file texts by path, and the overrides. */
export function largeTree(): { files: Record<string, string>; overrides: string[] } {
  const groups = Array.from({ length: 500 }, (_, index) => `g${index}`);
  const files: Record<string, string> = {
    'config.yaml': `defaults:\n${groups.map((group) => `  - ${group}: a\n`).join('')}top: 1\n`,
  };
  for (const group of groups)
    files[`${group}/a.yaml`] = "x: 48\ny: [1, 2, 3]\nz: {a: text, b: 1e-4, c: '${top}'}\n";
  return { files, overrides: groups.flatMap((group) => [`${group}.x=7`, `+${group}.new=[a,1,{k:v}]`]) };
}
