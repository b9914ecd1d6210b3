#ifndef SNUG_KERNELS_H
#define SNUG_KERNELS_H

#include <stdint.h>

#include "accumulators.h"
#include "activations.h"
#include "copies.h"
#include "descent.h"
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

/* The number of cores on which this process may run, by the affinity mask that a container or taskset grants. */
int snug_available_cores(void);

/* The instruction set for which the clones of functions are chosen here: "x86-64-v4", "x86-64-v3" or "default". */
const char *snug_kernel_level(void);

/* The number of threads, at least 1 and at most `wanted`, with which this process may compute under its
   limits of address space and of threads. libgomp ends the process where a thread cannot be started, and
   OpenBLAS waits without end for memory that it cannot have. */
int snug_affordable_threads(int wanted);

/* Lets the system start to write `count` bytes of an open file from `offset` on to the disk, without waiting. */
void snug_start_flush(int descriptor, int64_t offset, int64_t count);

#endif
