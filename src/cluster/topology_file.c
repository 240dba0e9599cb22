#include "cluster/topology_file.h"

#include "base/checksum.h"
#include "base/cursor.h"

#define MAGIC BYTES_LITERAL("TRTS")

void topology_file_encode(const struct topology *topology, bool is_summed, struct buffer *out) {
    topology_encode(topology, out);
    if (is_summed) {
        uint32_t sum = checksum_crc32c(0, buffer_bytes(out));
        buffer_append_bytes(out, MAGIC);
        buffer_append_u32(out, sum);
    }
}

int topology_file_decode(struct bytes in, struct topology **out) {
    if (in.length < TOPOLOGY_FILE_SUM_BYTES)
        return topology_decode(in, out);
    struct bytes body = bytes_of(in.data, in.length - TOPOLOGY_FILE_SUM_BYTES);
    struct cursor tail = cursor_of(bytes_of(in.data + body.length, TOPOLOGY_FILE_SUM_BYTES));
    if (!bytes_equal(cursor_bytes(&tail, MAGIC.length), MAGIC))
        return topology_decode(in, out);
    return cursor_u32(&tail) == checksum_crc32c(0, body) ? topology_decode(body, out) : ERR_DAMAGED;
}
