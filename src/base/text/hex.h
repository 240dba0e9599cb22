/* Bytes as hexadecimal digits, two a byte, in lower case: ids, keys, hashes as people see them. */
#pragma once
#include "base/bytes.h"

#define HEX_TEXT_BYTES(count) (2 * (count) + 1)

/* Writes HEX_TEXT_BYTES(count) characters, with a NUL at the end. */
void hex_write(const uint8_t *bytes, size_t count, char *out);
/* False, and `out` is of no use: it is not what hex_write() writes for so many bytes. */
bool hex_read(struct bytes text, size_t count, uint8_t *out);
/* What one digit of either case stands for; negative: it is none. */
int hex_digit(uint8_t letter);
