/** Old files repeat the shared embedding under the names of both stacks. */
export function canonicalName(name: string): string | null {
  return /^(encoder|decoder)\.embed_tokens\.weight$/.test(name) ? null : name;
}
