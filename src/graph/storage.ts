import type { Tensor } from './tensor.js';

/** The tensor whose storage `tensor` names: itself, or what it is a reshape of. */
export function storageRoot(tensor: Tensor): Tensor {
  let root = tensor;
  while (root.source.kind === 'node' && root.source.node.op === 'reshape') root = root.source.node.inputs[0]!;
  return root;
}

/** The state whose storage `tensor` names, if it is one's. */
export function stateBehind(tensor: Tensor): Tensor | null {
  const root = storageRoot(tensor);
  return root.source.kind === 'state' ? root : null;
}
