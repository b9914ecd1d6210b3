#ifndef SNUG_KERNELS_H
#define SNUG_KERNELS_H
#endif
