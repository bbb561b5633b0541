import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const tokenizerFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
];

/** Copies those of a tokenizer's files that a folder has into another one, which is made where it is not there. */
export function copyTokenizer(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of tokenizerFiles) {
    const source = join(from, name);
    if (existsSync(source)) copyFileSync(source, join(to, name));
  }
}
