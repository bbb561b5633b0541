#pragma once

#include <napi.h>

namespace sluice::addon {

// trainBpe(options, texts) -> Promise<{ vocab: string[], merges: [number, number][] }>
//   options: { vocabSize, minFrequency, specialTokens: string[], threads, letters: Uint32Array, numbers:
//   Uint32Array }
// letters and numbers are flat inclusive code point ranges. Runs on a worker; a wrong argument throws a
// TypeError.
Napi::Value TrainBpe(const Napi::CallbackInfo& info);

}  // namespace sluice::addon
