#include "world_streams.h"
#include "base/check.h"
#include "base/memory.h"

struct world_stream {
    struct list link;
    uint64_t number, asked_number; /* the world's; the asker's */
    unsigned asker, server;
};

static struct world_stream *stream_at(struct list *link) {
    return LIST_ELEMENT(link, struct world_stream, link);
}

static struct world_stream *stream_find(struct world *world, uint64_t number) {
    LIST_EACH (&world->streams, link)
        if (stream_at(link)->number == number)
            return stream_at(link);
    return NULL;
}

static struct world_stream *stream_asked(struct world *world, unsigned asker, uint64_t number) {
    LIST_EACH (&world->streams, link)
        if (stream_at(link)->asker == asker && stream_at(link)->asked_number == number)
            return stream_at(link);
    return NULL;
}

static void stream_free(struct world_stream *stream) {
    list_remove(&stream->link);
    memory_free(stream);
}

void stream_parcel_free(struct stream_parcel *carried) {
    if (carried == NULL)
        return;
    buffer_release(&carried->bytes);
    memory_free(carried);
}

static void stream_send(struct world *world, const struct world_stream *stream, bool is_to_asker,
                        struct stream_parcel content, struct bytes bytes) {
    struct stream_parcel *carried = memory_allocate(sizeof *carried);
    *carried = content;
    carried->stream = stream->number;
    carried->to = is_to_asker ? stream->asker : stream->server;
    buffer_init(&carried->bytes, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_append_bytes(&carried->bytes, bytes);
    CHECK(!carried->bytes.is_overflowed);
    world_stream_fly(world, &world->nodes[is_to_asker ? stream->server : stream->asker], carried);
}

static void stream_open(struct world *world, const struct world_node *node,
                        const struct gossip_stream_action *action) {
    struct world_stream *stream = memory_allocate_zeroed(1, sizeof *stream);
    *stream = (struct world_stream){
        .number = ++world->stream_count, .asked_number = action->stream, .asker = node->number};
    list_append(&world->streams, &stream->link);
    for (unsigned i = 1; i <= world->count; i++)
        if (memcmp(world->nodes[i].uuid, action->uuid, GOSSIP_UUID_BYTES) == 0)
            stream->server = i;
    CHECK(stream->server != 0);
    bool is_there = world->nodes[stream->server].gossip != NULL;
    if (is_there)
        stream_send(world, stream, false, (struct stream_parcel){.kind = GOSSIP_STREAM_ASKED},
                    action->bytes);
    else
        stream_send(
            world, stream, true,
            (struct stream_parcel){.kind = GOSSIP_STREAM_ENDED, .outcome = GOSSIP_STREAM_FAILED},
            BYTES_NONE);
}

static void stream_give(struct world *world, const struct world_stream *stream,
                        struct bytes piece) {
    world->stream_bytes += piece.length;
    if (piece.length > world->largest_stream_bytes)
        world->largest_stream_bytes = piece.length;
    stream_send(world, stream, true, (struct stream_parcel){.kind = GOSSIP_STREAM_PIECE}, piece);
}

void world_stream_act(struct world *world, struct world_node *node,
                      const struct gossip_stream_action *action) {
    struct world_stream *stream;
    switch (action->kind) {
    case GOSSIP_STREAM_OPEN:
        stream_open(world, node, action);
        return;
    case GOSSIP_STREAM_DROP:
        stream = stream_asked(world, node->number, action->stream);
        if (stream != NULL)
            stream_send(world, stream, false, (struct stream_parcel){.kind = GOSSIP_STREAM_GONE},
                        BYTES_NONE);
        return;
    case GOSSIP_STREAM_GIVE:
        stream = stream_find(world, action->stream);
        if (stream != NULL)
            stream_give(world, stream, action->bytes);
        return;
    case GOSSIP_STREAM_END:
        stream = stream_find(world, action->stream);
        if (stream != NULL)
            stream_send(
                world, stream, true,
                (struct stream_parcel){.kind = GOSSIP_STREAM_ENDED, .outcome = action->outcome},
                BYTES_NONE);
        return;
    }
}

static void stream_count_served(struct world *world, const struct world_node *node) {
    struct gossip_counters counters;
    gossip_counters(node->gossip, &counters);
    if (counters.streams_serving > world->most_served)
        world->most_served = counters.streams_serving;
}

void world_stream_land(struct world *world, struct world_node *node,
                       const struct stream_parcel *carried) {
    struct world_stream *stream = stream_find(world, carried->stream);
    if (stream == NULL)
        return;
    bool is_asker = node->number == stream->asker;
    struct gossip_event event = {.kind = carried->kind,
                                 .stream = is_asker ? stream->asked_number : stream->number,
                                 .outcome = carried->outcome,
                                 .bytes = buffer_bytes(&carried->bytes)};
    if (carried->kind == GOSSIP_STREAM_PIECE)
        stream_send(world, stream, false, (struct stream_parcel){.kind = GOSSIP_STREAM_ROOM},
                    BYTES_NONE);
    if (carried->kind == GOSSIP_STREAM_ENDED || carried->kind == GOSSIP_STREAM_GONE)
        stream_free(stream);
    world_step(world, node, event);
    stream_count_served(world, node);
}

void world_streams_of_dead(struct world *world, const struct world_node *node) {
    LIST_EACH (&world->streams, link) {
        struct world_stream *stream = stream_at(link);
        bool is_asker = stream->asker == node->number;
        if (!is_asker && stream->server != node->number)
            continue;
        stream_send(
            world, stream, !is_asker,
            (struct stream_parcel){.kind = is_asker ? GOSSIP_STREAM_GONE : GOSSIP_STREAM_ENDED,
                                   .outcome = GOSSIP_STREAM_FAILED},
            BYTES_NONE);
        stream->asked_number = is_asker ? 0 : stream->asked_number; /* not of its next life */
    }
}

void world_streams_release(struct world *world) {
    LIST_EACH (&world->streams, link)
        memory_free(stream_at(link));
}
