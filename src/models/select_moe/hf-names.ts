/** Name of an OLMoE tensor in the Select-MoE model that `convert` makes from it. */
export function fromOlmoe(name: string): string {
  return name.replace(/^(model\.layers\.\d+)\.mlp\./, '$1.normal_moe.');
}
