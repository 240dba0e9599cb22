/* Amounts as people write them: durations, sizes and shares. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum { QUANTITY_TEXT_BYTES = 24 };

/* "250us", "5ms", "1.5s", "2m", "1h"; 0 alone needs no unit. At most a year, in microseconds.
 * ERR_INVALID. */
int quantity_parse_duration(struct bytes text, uint64_t *us) MUST_CHECK;
/* The shortest of those texts that says exactly this. Returns `out`. */
const char *quantity_format_duration(uint64_t us, char out[QUANTITY_TEXT_BYTES]);
/* "512", "16kb", "6mb", "1gb", by powers of 1024, in bytes. ERR_INVALID. */
int quantity_parse_bytes(struct bytes text, uint64_t *bytes) MUST_CHECK;
/* "20%", "0.5%": a share in [0, 1]. ERR_INVALID. */
int quantity_parse_share(struct bytes text, double *share) MUST_CHECK;
