#ifndef SNUG_KERNELS_H
#define SNUG_KERNELS_H

#include <stdint.h>

#include "accumulators.h"
#include "activations.h"
#include "copies.h"
#include "elementwise.h"
#include "gradients.h"
#include "losses.h"
#include "optimizers.h"
#include "parallel.h"
#include "pointwise.h"
#include "projection.h"
#include "quantizers.h"
#include "temporaries.h"
#include "units.h"
#include "weights.h"

/* Cores that this process may run on: the affinity mask that a container or taskset grants. */
int snug_available_cores(void);

/* Has the system start to write `count` bytes of an open file from `offset` to the disk, without waiting. */
void snug_start_flush(int descriptor, int64_t offset, int64_t count);

#endif
