#include "base/containers/histogram.h"
#include "base/check.h"

/* A value below 16 is its own bucket. Above, the highest set bit picks a group of 16 buckets and
 * the four bits below it the bucket in the group. */
enum { SUB_BITS = 4, SUB_COUNT = 1 << SUB_BITS };
_Static_assert(HISTOGRAM_BUCKET_COUNT == (64 - SUB_BITS + 1) * SUB_COUNT,
               "one group a power of two");

unsigned histogram_bucket(uint64_t value) {
    if (value < SUB_COUNT)
        return (unsigned)value;
    unsigned highest_bit = 63 - (unsigned)__builtin_clzll(value);
    unsigned sub = (unsigned)(value >> (highest_bit - SUB_BITS)) & (SUB_COUNT - 1);
    return (highest_bit - SUB_BITS + 1) * SUB_COUNT + sub;
}

uint64_t histogram_bucket_upper(unsigned bucket) {
    CHECK(bucket < HISTOGRAM_BUCKET_COUNT);
    if (bucket < SUB_COUNT)
        return bucket;
    unsigned shift = bucket / SUB_COUNT - 1;
    uint64_t lower = (uint64_t)(SUB_COUNT + bucket % SUB_COUNT) << shift;
    return lower + (((uint64_t)1 << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->counts[histogram_bucket(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->maximum)
        histogram->maximum = value;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    if (histogram->count == 0)
        return 0;
    double exact = quantile * (double)histogram->count;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    if (rank > histogram->count)
        rank = histogram->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        seen += histogram->counts[i];
        if (seen >= rank)
            return histogram_bucket_upper(i);
    }
    UNREACHABLE();
}
