/**
 * Early GPT-2 files leave out the prefix `transformer.` and hold the causal mask as buffers `attn.bias` and
 * `attn.masked_bias`, which are no parameters.
 */
export function canonicalName(name: string): string | null {
  if (/\.attn\.(masked_)?bias$/.test(name)) return null;
  return /^(wte|wpe|h|ln_f)\./.test(name) ? `transformer.${name}` : name;
}
