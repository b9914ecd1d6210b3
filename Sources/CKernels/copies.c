#include "include/copies.h"

#include <stdint.h>
#include <string.h>

#include "clones.h"

/* Where rows are neighbours in the source and columns are far apart, the loops run over tiles with their
   order exchanged, so that each cache line is read once. */
enum { tile = 16 };

#define COPY(type)                                                                             \
  {                                                                                            \
    const type *from = x;                                                                      \
    type *to = y;                                                                              \
    if (row_step == 1 && columns >= tile) {                                                    \
      for (size_t c = 0; c < columns; c += tile) {                                             \
        size_t width = columns - c < tile ? columns - c : tile;                                \
        for (size_t r = 0; r < rows; r++) {                                                    \
          const type *source = from + (ptrdiff_t)r + (ptrdiff_t)c * column_step;               \
          type *target = to + r * columns + c;                                                 \
          for (size_t i = 0; i < width; i++) target[i] = source[(ptrdiff_t)i * column_step];   \
        }                                                                                      \
      }                                                                                        \
    } else {                                                                                   \
      for (size_t r = 0; r < rows; r++, from += row_step, to += columns) {                     \
        for (size_t c = 0; c < columns; c++) to[c] = from[(ptrdiff_t)c * column_step];         \
      }                                                                                        \
    }                                                                                          \
    break;                                                                                     \
  }

SNUG_CLONES void snug_copy_plane(const void *x, void *y, size_t element, size_t rows,
                                 ptrdiff_t row_step, size_t columns, ptrdiff_t column_step) {
  if (column_step == 1 && columns * element >= 64) {
    size_t bytes = columns * element;
    const char *from = x;
    char *to = y;
    for (size_t r = 0; r < rows; r++, from += row_step * (ptrdiff_t)element, to += bytes) {
      memcpy(to, from, bytes);
    }
    return;
  }
  switch (element) {
    case 1: COPY(uint8_t)
    case 2: COPY(uint16_t)
    case 4: COPY(uint32_t)
    case 8: COPY(uint64_t)
  }
}
