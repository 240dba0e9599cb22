#include "io/real/entropy.h"
#include <sodium.h>

uint64_t entropy_u64(void) {
    uint64_t value;
    randombytes_buf(&value, sizeof value);
    return value;
}

void entropy_uuid(uint8_t uuid[ENTROPY_UUID_BYTES]) {
    randombytes_buf(uuid, ENTROPY_UUID_BYTES);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* version 4, */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80); /* variant 10 */
}
