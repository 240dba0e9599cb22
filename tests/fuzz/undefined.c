/* No decoder: a target that does what is undefined, and has to end by that. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    (void)data;
    volatile int largest = INT_MAX - (int)(length % 2);
    volatile int more = largest + 2;
    (void)more;
    return 0;
}
