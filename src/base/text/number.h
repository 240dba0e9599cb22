/* Numbers as text, read and written as Redis does, so that clients see the same numbers and the
 * same refusals. */
#pragma once
#include "base/bytes.h"

enum { NUMBER_I64_TEXT_BYTES = 24, NUMBER_DOUBLE_TEXT_BYTES = 5 * 1024 };

/* Strict: "0" or an optional '-', a digit 1 to 9, more digits, within int64_t. No spaces, no '+',
 * no "-0". */
bool number_parse_i64(struct bytes text, int64_t *value);
/* Decimal digits without a NUL; returns how many. */
size_t number_format_i64(char out[NUMBER_I64_TEXT_BYTES], int64_t value);

/* strtod over the whole text, at most NUMBER_DOUBLE_TEXT_BYTES - 1 long. Refused: a space in front,
 * anything behind, not-a-number, a value too large or too small for the type. "inf" is a number.
 * What replicas must agree on is counted otherwise (command/extended.h). */
bool number_parse_double(struct bytes text, double *value);
