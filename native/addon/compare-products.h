#pragma once

#include <napi.h>

namespace sluice::addon {

/**
 * compareProducts({rows, columns, depth, transA, transB, operands, result, threads, turns, seconds}) -> a
 * promise of [{name, difference, wall: seconds of one product in each turn, cpu}], the engine's first.
 */
Napi::Value CompareProducts(const Napi::CallbackInfo& info);

}  // namespace sluice::addon
