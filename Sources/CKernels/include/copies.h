#ifndef SNUG_COPIES_H
#define SNUG_COPIES_H

#include <stddef.h>

/* Fills rows x columns contiguous elements of 1, 2, 4 or 8 bytes from a source in which neighbours are
   row_step and column_step elements apart; steps may be negative. */
void snug_copy_plane(const void *x, void *y, size_t element, size_t rows, ptrdiff_t row_step,
                     size_t columns, ptrdiff_t column_step);

#endif
