#include "sim/gossip/settle.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/wire/codec.h"
#include <stdlib.h>

enum {
    ALONE_SECONDS = 3,  /* in which each, knowing nobody, ceases to be a newcomer */
    QUIET_SECONDS = 10, /* for what newcomers tell of themselves to be told */
    SETTLE_SECONDS = 120
};

/* Who wrote it is nobody's member: a datagram from itself says nothing to a node. */
static const uint8_t stranger[GOSSIP_UUID_BYTES] = "a settled world";

struct writing {
    struct codec_writer writer;
    struct buffer bytes; /* one datagram after the other */
    size_t *ends;
    size_t count, capacity;
};

static int compare_nodes(const void *a, const void *b) {
    const struct crowd_node *const *one = a, *const *other = b;
    return memcmp((*one)->uuid, (*other)->uuid, GOSSIP_UUID_BYTES);
}

/* In the order of UUIDs, in which a node takes them up with the least work. */
static const struct crowd_node **sorted_nodes(const struct crowd *crowd) {
    const struct crowd_node **sorted = memory_allocate(crowd->node_count * sizeof *sorted);
    for (unsigned i = 0; i < crowd->node_count; i++)
        sorted[i] = &crowd->nodes[i];
    qsort(sorted, crowd->node_count, sizeof *sorted, compare_nodes);
    return sorted;
}

static struct codec_record record_of(const struct crowd_node *node) {
    const struct gossip_member *self = gossip_member_at(node->gossip, 0);
    struct codec_record record = {.generation = self->who->generation,
                                  .incarnation = self->who->incarnation,
                                  .state = GOSSIP_ALIVE,
                                  .address = self->who->address};
    memcpy(record.uuid, self->who->uuid, GOSSIP_UUID_BYTES);
    memcpy(record.name, self->who->name, sizeof record.name);
    return record;
}

static void writing_begin(struct writing *writing) {
    codec_begin(&writing->writer, &(const struct codec_wire){0}, CODEC_FILL, stranger, 1);
    CHECK(codec_list_begin(&writing->writer, CODEC_SECTION_RECORDS));
}

static void writing_end(struct writing *writing) {
    codec_list_end(&writing->writer);
    buffer_append_bytes(&writing->bytes, buffer_bytes(&writing->writer.buffer));
    if (writing->count == writing->capacity) {
        writing->capacity = writing->capacity ? writing->capacity * 2 : 64;
        writing->ends = memory_resize(writing->ends, writing->capacity * sizeof *writing->ends);
    }
    writing->ends[writing->count++] = writing->bytes.length;
}

static void write_all(const struct crowd *crowd, struct writing *writing) {
    const struct crowd_node **sorted = sorted_nodes(crowd);
    writing_begin(writing);
    for (unsigned i = 0; i < crowd->node_count; i++) {
        struct codec_record record = record_of(sorted[i]);
        if (codec_write_record(&writing->writer, &record))
            continue;
        writing_end(writing);
        writing_begin(writing);
        CHECK(codec_write_record(&writing->writer, &record));
    }
    writing_end(writing);
    memory_free(sorted);
}

static void tell(struct crowd *crowd, unsigned node, const struct writing *writing) {
    static const struct gossip_address nowhere = {.host = "192.0.2.1", .port = 1};
    const uint8_t *bytes = buffer_data(&writing->bytes);
    size_t begin = 0;
    for (size_t i = 0; i < writing->count; i++) {
        crowd_hand(crowd, node, &nowhere, bytes_of(bytes + begin, writing->ends[i] - begin));
        begin = writing->ends[i];
    }
}

void settle_all(struct crowd *crowd) {
    struct writing writing = {0};
    uint64_t took_us;
    codec_writer_init(&writing.writer);
    buffer_init(&writing.bytes, (size_t)CROWD_NODE_MAXIMUM * GOSSIP_DATAGRAM_MAXIMUM);
    for (unsigned i = 0; i < crowd->node_count; i++)
        crowd_start(crowd, i);
    crowd_run(crowd, ALONE_SECONDS * CROWD_SECOND_US);
    write_all(crowd, &writing);
    for (unsigned i = 0; i < crowd->node_count; i++)
        tell(crowd, i, &writing);
    codec_writer_release(&writing.writer);
    buffer_release(&writing.bytes);
    memory_free(writing.ends);
    CHECK(crowd_run_until(crowd, SETTLE_SECONDS * CROWD_SECOND_US, crowd_is_settled, &took_us));
    crowd_run(crowd, QUIET_SECONDS * CROWD_SECOND_US);
    crowd->false_deaths = 0;
    crowd_count_traffic(crowd);
}
