/* A topology as a file of a node's directory: the bytes of topology_encode(), and behind them a
 * checksum once no release that does not know it can come back (FEATURE_SUMMED_FILES). So a file
 * that rots is found, and not only where what it says makes no sense.
 *
 *   | the topology, encoded ... | "TRTS" | u32 CRC32C of all before "TRTS" |
 */
#pragma once
#include "cluster/topology.h"

enum {
    TOPOLOGY_FILE_SUM_BYTES = 8,
    TOPOLOGY_FILE_BYTES_MAXIMUM = TOPOLOGY_BYTES_MAXIMUM + TOPOLOGY_FILE_SUM_BYTES
};

void topology_file_encode(const struct topology *topology, bool is_summed, struct buffer *out);
/* Returns owned. ERR_DAMAGED: the sum is another one; or what topology_decode() says, also of a
 * file without a sum. */
int topology_file_decode(struct bytes in, struct topology **out) MUST_CHECK;
