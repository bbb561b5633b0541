import { cast, type Graph, type QuantizedWeight, quantizedShapes, type Tensor } from '../graph/index.js';
import type { Init, ParameterSpec } from './parameter.js';
import { codesName, projectionRows, scalesName } from './quantize.js';
import { plainStorage, storedDtype, type WeightStorage } from './storage.js';

/** One batch as every model takes it: all tensors i32[B,T]. */
export interface Batch {
  readonly inputIds: Tensor;
  /** 0 is padding; tokens see their own segment only. */
  readonly segmentIds: Tensor;
  /** Position of each token in its own segment. */
  readonly positions: Tensor;
  readonly cache?: CacheInputs;
  /** What the encoder reads; the batch itself is then the decoder's. */
  readonly encoder?: EncoderInputs;
}

/** Input of an encoder: i32[B,S]. */
export interface EncoderInputs {
  /** null while decoding over a cache, which then holds what the decoder needs of the input. */
  readonly inputIds: Tensor | null;
  readonly segmentIds: Tensor;
}

/** Where this batch's tokens stand in a key-value cache of `capacity` tokens. */
export interface CacheInputs {
  readonly capacity: number;
  /** i32[1]: index of the first token of the batch. */
  readonly start: Tensor;
  /** i32[B,capacity]: segment of every cached token, this batch's included; 0 where nothing is yet. */
  readonly segmentIds: Tensor;
}

/** What a mixture layer decided, for auxiliary losses and scores. */
export interface RouterOutput {
  /** [B*T, experts] */
  readonly moeLogits: Tensor;
  /** [B*T, experts] probabilities that the choice was made from. */
  readonly probabilities: Tensor;
  /** i32 [B*T, k] */
  readonly topIndices: Tensor;
  /** [B*T, k], the factors of the experts' outputs. */
  readonly topWeights: Tensor;
  /** [B,T,1] before the sigmoid; Select-MoE only. */
  readonly qualityScore?: Tensor;
}

export interface ModelOutput {
  /** [B,T,H] after the final norm. */
  readonly hidden: Tensor;
  /** [V,H]; logits are hidden · headWeightᵀ, soft-capped. */
  readonly headWeight: Tensor;
  /** 0: no cap. */
  readonly logitSoftcap: number;
  readonly routers: readonly RouterOutput[];
  /** Embedding, the output of every layer but the last, and `hidden`. */
  readonly hiddenStates: readonly Tensor[];
  /** [B,S,H]: the encoder's output, of models that have one. */
  readonly encoded?: Tensor | null;
}

/** A linear layer as an adapter sees it. */
export interface LinearSite {
  /** Hugging Face module path: `model.layers.0.self_attn.q_proj`; for stacked experts `….experts.gate_proj`. */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Set for a stack of experts: rows of x are grouped by these offsets (i32[experts+1]). */
  readonly experts: { readonly count: number; readonly offsets: Tensor } | null;
  /** Stored [in,out] as GPT-2 does. */
  readonly transposed: boolean;
  /** Routers and gates are linear too, but only named explicitly. */
  readonly kind: 'projection' | 'router';
}

/** Adds something trainable to the output of linear layers. */
export interface Adapter {
  /** Returns y, or y plus the adapter's own product of x. */
  apply(trace: ModelTrace, site: LinearSite, x: Tensor, y: Tensor): Tensor;
}

export interface TraceOptions {
  readonly adapter?: Adapter | null;
  /** i32[4] = seed low, seed high, step, 0; needed by noise and dropout only. Default: an input named `rng`. */
  readonly rng?: Tensor;
  /** Select-MoE only: every gate counts as 1, which makes the model the one it was converted from. */
  readonly openGates?: boolean;
  /** How the session holds weights. Default: in f32. */
  readonly storage?: WeightStorage;
  /** Weights held in bf16 are read as f32, so that gradients go through them; a bf16 program undoes that. */
  readonly widen?: boolean;
}

/** State of one tracing of a model: the graph, the module path, and what was declared on the way. */
export class ModelTrace {
  readonly graph: Graph;
  readonly adapter: Adapter | null;
  readonly openGates: boolean;
  readonly storage: WeightStorage;
  readonly #widen: boolean;
  readonly #widened = new Map<Tensor, Tensor>();
  readonly parameters = new Map<string, ParameterSpec>();
  readonly routers: RouterOutput[] = [];
  #rng: Tensor | undefined;
  #path: string[] = [];
  #streams = 0;

  constructor(graph: Graph, options: TraceOptions = {}) {
    this.graph = graph;
    this.adapter = options.adapter ?? null;
    this.openGates = options.openGates ?? false;
    this.storage = options.storage ?? plainStorage;
    this.#widen = options.widen ?? false;
    this.#rng = options.rng;
  }

  /** The module path, which is also the scope in messages. */
  get path(): string {
    return this.#path.join('.');
  }

  /** Runs `body` inside the submodule `name`. */
  within<T>(name: string, body: () => T): T {
    this.#path.push(name);
    try {
      return this.graph.scope(name, body);
    } finally {
      this.#path.pop();
    }
  }

  /** Parameter `name` of the current module. */
  parameter(name: string, shape: readonly number[], init: Init, stacked = false): Tensor {
    return this.named(this.#path.length ? `${this.path}.${name}` : name, shape, init, stacked);
  }

  /** The weight of the current module, a projection: its tensor, or its codes and scales where it is quantised. */
  projection(
    shape: readonly number[],
    init: Init,
    { transposed = false, stacked = false }: { transposed?: boolean; stacked?: boolean } = {},
  ): Tensor | QuantizedWeight {
    const name = `${this.path}.weight`;
    const tensor = this.named(name, shape, init, stacked, {
      projection: { transposed },
      narrowable: !transposed,
    });
    const format = this.storage.quantization;
    if (format === null) return tensor;
    const rows = projectionRows(shape, transposed);
    const shapes = quantizedShapes(format, rows);
    return {
      format,
      columns: rows.at(-1)!,
      codes: this.graph.state(codesName(name), 'u8', shapes.codes),
      scales: this.graph.state(scalesName(name), 'f32', shapes.scales),
    };
  }

  /** Embeddings or a head [V,H], by full name. */
  table(name: string, shape: readonly number[], init: Init): Tensor {
    return this.named(name, shape, init, false, { narrowable: true });
  }

  /** A tensor of the current module that no gradient teaches. */
  buffer(name: string, shape: readonly number[], init: Init): Tensor {
    const full = `${this.path}.${name}`;
    this.parameters.set(full, {
      name: full,
      shape: [...shape],
      dtype: 'f32',
      init,
      stacked: false,
      buffer: true,
    });
    return this.graph.state(full, 'f32', [...shape]);
  }

  /** A parameter by its full name. */
  named(
    name: string,
    shape: readonly number[],
    init: Init,
    stacked = false,
    kept: Pick<ParameterSpec, 'projection' | 'narrowable'> = {},
  ): Tensor {
    const spec = { name, shape: [...shape], dtype: 'f32', init, stacked, buffer: false, ...kept } as const;
    this.parameters.set(name, spec);
    const state = this.graph.state(name, storedDtype(this.storage, spec), [...shape]);
    if (!this.#widen || state.dtype === 'f32') return state;
    const known = this.#widened.get(state) ?? cast(state, 'f32'); // one for all uses: their gradients add up in f32
    this.#widened.set(state, known);
    return known;
  }

  get rng(): Tensor {
    this.#rng ??= this.graph.input('rng', 'i32', [4]);
    return this.#rng;
  }

  /** A random stream of its own for each place that draws numbers, the same at every tracing. */
  nextStream(): number {
    return this.#streams++;
  }
}
