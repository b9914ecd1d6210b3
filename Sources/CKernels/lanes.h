#ifndef SNUG_LANES_H
#define SNUG_LANES_H

#include <string.h>

/* Vectors of eight lanes, whatever the registers of the machine, so that a sum has the same order everywhere. */
typedef float float8 __attribute__((vector_size(32)));
typedef int int8 __attribute__((vector_size(32)));
typedef signed char char8 __attribute__((vector_size(8)));
typedef double double8 __attribute__((vector_size(64)));
#define SNUG_LANE_COUNT 8

/* Loads the elements i ... min(n, i + 8) - 1 into the first lanes; the other lanes keep their values. */
#define SNUG_LOAD_OVER(vector, array, i, n)                                  \
  do {                                                                       \
    if ((i) + SNUG_LANE_COUNT <= (n)) {                                      \
      memcpy(&(vector), (array) + (i), sizeof(vector));                      \
    } else {                                                                 \
      memcpy(&(vector), (array) + (i), ((n) - (i)) * sizeof((array)[0]));    \
    }                                                                        \
  } while (0)

/* Loads the elements i ... min(n, i + 8) - 1 into the first lanes; the other lanes become 0. */
#define SNUG_LOAD(vector, array, i, n)                                       \
  do {                                                                       \
    if ((i) + SNUG_LANE_COUNT > (n)) memset(&(vector), 0, sizeof(vector));   \
    SNUG_LOAD_OVER(vector, array, i, n);                                     \
  } while (0)

#define SNUG_TOTAL(v) ((((v)[0] + (v)[4]) + ((v)[2] + (v)[6])) + (((v)[1] + (v)[5]) + ((v)[3] + (v)[7])))

#endif
