// All kernels of the dialect.
#pragma once

#include "attention.h"
#include "elementwise.h"
#include "flash-attention-dkv.h"
#include "flash-attention-dq.h"
#include "flash-attention.h"
#include "indexed.h"
#include "loss.h"
#include "matmul.h"
#include "matrix-product.h"
#include "moe.h"
#include "norm.h"
#include "optimizer.h"
#include "random.h"
#include "reduce.h"
#include "shape.h"
