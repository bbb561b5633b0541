import { SluiceError } from '../errors.js';
import { type Dtype, isDtype } from './dtype.js';
import type { Attributes, AttributesOf, InputsOf, OpKey, OutputsOf } from './op-definition.js';
import { changedInputs, flattenInputs, flattenOutputs, nameInputs, nameOutputs } from './op-names.js';
import { inferOutputs } from './op-table.js';
import { elementCount, formatShape, type Shape, sameShape } from './shape.js';
import { type GraphNode, Tensor, type TensorSource } from './tensor.js';

/**
 * A trace: tensors, ops in program order and named outputs. Model code makes tensors with `input`, `state` and the
 * op functions of `ops/`; nothing is computed until a program compiled from it runs.
 */
export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly states = new Map<string, Tensor>();
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  #tensorCount = 0;
  #scopes: string[] = [];

  /** Something given at every run. Asking twice for one name gives the same tensor. */
  input(name: string, dtype: Dtype, shape: Shape): Tensor {
    return this.#named(this.inputs, { kind: 'input', name }, dtype, shape);
  }

  /** Something that lives in the session under `name`: a weight, a moment, a cache. Twice: the same tensor. */
  state(name: string, dtype: Dtype, shape: Shape): Tensor {
    return this.#named(this.states, { kind: 'state', name }, dtype, shape);
  }

  /** A few numbers written into the program. `shape` defaults to one dimension. */
  constant(values: readonly number[], shape: Shape = [values.length], dtype: Dtype = 'f32'): Tensor {
    if (elementCount(shape) !== values.length) {
      this.#fail(`a constant of shape ${formatShape(shape)} was given ${values.length} values`);
    }
    return this.#tensor(shape, dtype, { kind: 'const', values: [...values] });
  }

  /** Runs `body` with `name` added to the scope that messages and profiles show. */
  scope<T>(name: string, body: () => T): T {
    this.#scopes.push(name);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  /** Runs `body` with `path` as the whole scope: derived ops are named after the op they come from. */
  scopedAs<T>(path: string, body: () => T): T {
    const outer = this.#scopes;
    this.#scopes = path === '' ? [] : [path];
    try {
      return body();
    } finally {
      this.#scopes = outer;
    }
  }

  get currentScope(): string {
    return this.#scopes.join('.');
  }

  /** Makes `tensor` a result of the program. */
  output(name: string, tensor: Tensor): void {
    if (tensor.graph !== this) this.#fail(`output ${name} is a tensor of another graph`);
    if (this.outputs.has(name)) this.#fail(`two outputs are called ${name}`);
    this.outputs.set(name, tensor);
  }

  /** Adds one op, by the names of the op list. Op functions are the usual way; passes and gradient rules use this. */
  emit<N extends OpKey>(
    op: N,
    inputs: NoInfer<InputsOf<N, Tensor>>,
    attributes: NoInfer<AttributesOf<N>>,
    saved: Readonly<Record<string, Tensor>> = {},
  ): OutputsOf<N, Tensor> {
    const flat = flattenInputs<Tensor>(op, inputs as Record<string, Tensor>);
    const node = this.emitFlat(op, flat, attributes as Attributes, this.currentScope, saved);
    return nameOutputs(op, node.outputs) as OutputsOf<N, Tensor>;
  }

  /**
   * As `emit`, with inputs in op-list order and a scope of the caller's. `keeps` says which outputs shall exist (only
   * optional ones may be left out), `narrow` which are stored as bf16. Throws `graph.shape`.
   */
  emitFlat(
    op: OpKey,
    inputs: readonly (Tensor | null)[],
    attributes: Attributes,
    scope: string,
    saved: Readonly<Record<string, Tensor>> = {},
    keeps: (output: number) => boolean = () => true,
    narrow: (output: number) => boolean = () => false,
  ): GraphNode {
    for (const input of inputs) {
      if (input && input.graph !== this) this.#fail(`${op} was given a tensor of another graph`);
    }
    for (const index of changedInputs(op)) {
      const target = inputs[index];
      if (target?.source.kind !== 'state')
        this.#fail(`${op} changes its input ${index}, which must be a state`);
    }
    const types = inferOutputs(op, nameInputs(op, inputs), attributes, scope);
    const outputs: (Tensor | null)[] = [];
    const node: GraphNode = { op, inputs, outputs, attributes, scope, saved };
    for (const [index, type] of flattenOutputs(op, types).entries()) {
      const present = type !== null && keeps(index);
      const dtype = narrow(index) && type?.dtype === 'f32' ? 'bf16' : type?.dtype;
      outputs.push(present ? this.#tensor(type.shape, dtype!, { kind: 'node', node }, scope) : null);
    }
    this.nodes.push(node);
    return node;
  }

  #named(
    known: Map<string, Tensor>,
    source: TensorSource & { name: string },
    dtype: Dtype,
    shape: Shape,
  ): Tensor {
    const before = known.get(source.name);
    if (before) {
      if (before.dtype === dtype && sameShape(before.shape, shape)) return before;
      const again = `${dtype}${formatShape(shape)}`;
      this.#fail(`${source.kind} ${source.name} is ${before} already and cannot be ${again} too`);
    }
    const tensor = this.#tensor(shape, dtype, source);
    known.set(source.name, tensor);
    return tensor;
  }

  #tensor(shape: Shape, dtype: Dtype, source: TensorSource, scope = this.currentScope): Tensor {
    if (!isDtype(dtype)) this.#fail(`there is no dtype ${String(dtype)}`);
    if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
      this.#fail(`shape ${formatShape(shape)} has a size that is not a whole number`);
    }
    return new Tensor(this, this.#tensorCount++, [...shape], dtype, scope, source);
  }

  #fail(reason: string): never {
    const scope = this.currentScope;
    throw new SluiceError('graph.shape', scope ? `${scope}: ${reason}` : reason, {
      where: scope || undefined,
    });
  }
}
