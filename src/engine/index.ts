export type {
  EngineInfo,
  FileWeight,
  NativeAddon,
  OpProfile,
  ProductQuestion,
  ProductTimes,
} from './addon.js';
export { Engine, isCpu, isGpu, openEngine } from './engine.js';
export { Executable } from './executable.js';
export { type OpenDevice, openDevice, threadsOf } from './open-device.js';
export { Session, type SessionOptions, type State } from './session.js';
