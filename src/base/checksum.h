/* Checksums: CRC32C (Castagnoli, in hardware where the processor has it) for the log, XXH3 for
 * files. */
#pragma once
#include "base/bytes.h"

/* Continues `crc` (0 to begin) over the bytes. */
uint32_t checksum_crc32c(uint32_t crc, struct bytes bytes);
/* The same by table, for processors without the instruction. */
uint32_t checksum_crc32c_portable(uint32_t crc, struct bytes bytes);
uint64_t checksum_xxh64(struct bytes bytes, uint64_t seed); /* XXH3, 64 bits */

struct checksum128 {
    uint64_t low, high;
};
struct checksum128 checksum_xxh128(struct bytes bytes); /* XXH3, 128 bits */
