#ifndef SNUG_ONEDNN_SHIM_H
#define SNUG_ONEDNN_SHIM_H

#include "compatibility.h"

/* libgomp's, which the CPU build of oneDNN computes with. Holds for the calling thread. */
void omp_set_num_threads(int count);

#endif
