/* The control shard's topology: a file of it is refused or read, and what was read is written and
 * read again the same; a command is refused and changes nothing, or leaves a topology that every
 * other node can read, of a higher epoch if anything changed.
 *
 * The first byte: 0, a file; 1, a file whose checksum is made right first; else commands, a line
 * each, words apart by spaces, on a cluster of 1 to 8 nodes (bits 0 to 2) and 1 to 4 shards (bits 3
 * and 4), with features on (bit 5). The word "=" is the topology itself, 4 epochs later. */
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_file.h"
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { LINES_MAXIMUM = 16, WORDS_MAXIMUM = 24 };

static struct buffer encoded(const struct topology *topology) {
    struct buffer out;
    buffer_init(&out, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &out);
    CHECK(!out.is_overflowed);
    return out;
}

/* Whoever reads it has the same: also what is derived. */
static void expect_readable(const struct topology *topology) {
    struct buffer once = encoded(topology);
    struct topology *read = NULL;
    CHECK(topology_decode(buffer_bytes(&once), &read) == 0);
    struct buffer again = encoded(read);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&again)));
    CHECK(memcmp(read->slot_owner, topology->slot_owner, sizeof read->slot_owner) == 0);
    buffer_release(&again);
    buffer_release(&once);
    topology_free(read);
}

/* ---- files ---- */

static void correct_sum(uint8_t *file, size_t length) {
    if (length < TOPOLOGY_FILE_SUM_BYTES)
        return;
    size_t body = length - TOPOLOGY_FILE_SUM_BYTES;
    uint32_t sum = checksum_crc32c(0, bytes_of(file, body));
    memcpy(file + body, "TRTS", 4);
    for (unsigned i = 0; i < 4; i++)
        file[body + 4 + i] = (uint8_t)(sum >> (8 * i));
}

static void read_file(struct bytes given, bool is_corrected) {
    uint8_t *file = memory_copy(given.data, given.length);
    struct topology *topology = NULL;
    if (is_corrected)
        correct_sum(file, given.length);
    if (topology_file_decode(bytes_of(file, given.length), &topology) == 0) {
        expect_readable(topology);
        topology_free(topology);
    } else {
        CHECK(topology == NULL);
    }
    memory_free(file);
}

/* ---- commands ---- */

static struct topology *founded(uint8_t shape) {
    struct topology_node nodes[8] = {0};
    const uint8_t cluster_id[16] = "0123456789abcde";
    unsigned count = 1 + (shape & 7), shards = 1 + (shape >> 3 & 3);
    for (unsigned i = 0; i < count; i++) {
        nodes[i].uuid[0] = (uint8_t)(i + 1);
        snprintf(nodes[i].address.host, sizeof nodes[i].address.host, "127.0.0.%u", i + 1);
        nodes[i].address.client_port = nodes[i].address.peer_port = nodes[i].address.admin_port = 7;
    }
    struct topology *topology =
        topology_found(cluster_id, nodes, count, shards, count < 3 ? count : 3);
    topology->level = shape & 32 ? FEATURE_LEVEL_NEWEST : 0;
    return topology;
}

static struct bytes cut(struct bytes *rest, uint8_t separator) {
    const uint8_t *end = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->data) : rest->length, taken = length + (end != NULL);
    struct bytes first = bytes_of(rest->data, length);
    *rest = bytes_of(rest->length ? rest->data + taken : NULL, rest->length - taken);
    return first;
}

static struct buffer encoded_later(struct topology *topology) {
    topology->epoch += 4;
    struct buffer later = encoded(topology);
    topology->epoch -= 4;
    return later;
}

/* A command that was refused, and one that had nothing to do, left every byte of `before` as it
 * was; it holds what is there then. */
static void apply_line(struct topology *topology, struct bytes line, struct buffer *before) {
    struct bytes words[WORDS_MAXIMUM];
    struct buffer later = {0};
    size_t count = 0;
    uint64_t epoch = topology->epoch;
    while (line.length > 0 && count < WORDS_MAXIMUM) {
        struct bytes word = cut(&line, ' ');
        bool is_itself = bytes_equal(word, BYTES_LITERAL("="));
        if (is_itself && later.length == 0)
            later = encoded_later(topology);
        words[count++] = is_itself ? buffer_bytes(&later) : word;
    }
    int code = topology_apply(topology, words, count);
    struct buffer after = encoded(topology);
    bool is_same = bytes_equal(buffer_bytes(before), buffer_bytes(&after));
    CHECK(code == 0 || is_same);
    CHECK(is_same == (topology->epoch == epoch) && topology->epoch >= epoch);
    buffer_release(&later);
    buffer_release(before);
    *before = after;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, length - 1);
    if (data[0] <= 1) {
        read_file(rest, data[0] == 1);
        return 0;
    }
    struct topology *topology = founded(data[0]);
    struct buffer before = encoded(topology);
    for (unsigned line = 0; rest.length > 0 && line < LINES_MAXIMUM; line++)
        apply_line(topology, cut(&rest, '\n'), &before);
    expect_readable(topology);
    buffer_release(&before);
    topology_free(topology);
    return 0;
}
