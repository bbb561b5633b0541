// Text form -> Program, checked once so that nothing after it needs to look again.
#pragma once

#include <string_view>

#include "../core/status.h"
#include "program.h"

namespace sluice {

/** Errors read `line 12: matmul "layers.0.q_proj": …`. */
Status decode(std::string_view text, Program& program);

/** Memory: every value and scratch inside the arena, no op reading what it or an earlier one overwrote. */
Status check_memory(const Program& program);

/** One op's dtypes, shapes, attributes and scratch size against the rules of its row. */
Status check_op(const Program& program, const Op& op);

}  // namespace sluice
