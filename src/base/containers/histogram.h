/* A histogram of latencies or sizes with log-linear buckets (16 per power of two: at most 6.25 %
 * error), 976 buckets for all of uint64_t. */
#pragma once
#include <stdint.h>

enum { HISTOGRAM_BUCKET_COUNT = 976 };
struct histogram { /* all zeros: empty */
    uint64_t counts[HISTOGRAM_BUCKET_COUNT];
    uint64_t count, sum, maximum;
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The upper bound of the bucket that holds the quantile (0 < quantile <= 1); 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);
unsigned histogram_bucket(uint64_t value);
uint64_t histogram_bucket_upper(unsigned bucket);
