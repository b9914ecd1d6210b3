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

/* The number of threads, at most as many as wanted and at least 1, that this process may compute with under
   its limits of address space and of threads. libgomp ends the process where a thread can't be started, and
   OpenBLAS waits without end for memory that it can't have. */
int snug_affordable_threads(int wanted);

/* Has the system start to write `count` bytes of an open file from `offset` to the disk, without waiting. */
void snug_start_flush(int descriptor, int64_t offset, int64_t count);

#endif
