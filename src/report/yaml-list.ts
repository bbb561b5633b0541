/** The items of a YAML list of plain or quoted texts, as `.hydra/overrides.yaml` is. */
export function listItems(yaml: string): string[] {
  return [...yaml.matchAll(/^- (.*)$/gm)].map(([, text]) => {
    if (text!.startsWith("'")) return text!.slice(1, -1).replaceAll("''", "'");
    return text!.startsWith('"') ? String(JSON.parse(text!)) : text!;
  });
}
