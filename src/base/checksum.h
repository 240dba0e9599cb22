/* Checksums: CRC32C (Castagnoli, in hardware where the processor has it) for the log, XXH3 for
 * files. */
#pragma once
#include "base/bytes.h"

/* Continues `crc` (0 to begin) over the bytes. */
uint32_t checksum_crc32c(uint32_t crc, struct bytes bytes);
/* Of what comes one behind the other: `first` is the checksum up to there, `second` that of
 * `second_bytes` more bytes alone. Takes as long whatever they are. */
uint32_t checksum_crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);
/* checksum_crc32c() by table, for processors without the instruction. */
uint32_t checksum_crc32c_portable(uint32_t crc, struct bytes bytes);
uint64_t checksum_xxh64(struct bytes bytes, uint64_t seed); /* XXH3, 64 bits */

struct checksum128 {
    uint64_t low, high;
};
struct checksum128 checksum_xxh128(struct bytes bytes); /* XXH3, 128 bits */
