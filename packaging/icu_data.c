/* The tables of ICU, empty.

   Foundation, which the libraries for YAML and for templates use, brings ICU with 34 MB of tables on the world's languages. They
   hold what Snug never asks for: names of places and days, orders of words. What ICU finds in code, such as the classes of
   characters that regular expressions know, stays. This is the layout of `stubdata` of ICU itself: a table of contents with no
   entry. */
#include <stdint.h>

typedef struct {
  uint16_t size, reserved;
  uint8_t is_big_endian, charset, character_size, more;
  uint8_t format[4], format_version[4], data_version[4];
} information;

typedef struct {
  uint16_t header_size;
  uint8_t magic[2];
  information info;
  char padding[8];
  uint32_t count, reserved;
} table;

const table ICU_ENTRY_POINT __attribute__((aligned(16))) = {
    .header_size = 32,
    .magic = {0xda, 0x27},
    .info = {.size = sizeof(information), .character_size = 2, .format = {'T', 'o', 'C', 'P'}, .format_version = {1}},
};
