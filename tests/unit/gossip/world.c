#include "world.h"
#include "base/check.h"
#include "base/containers/list.h"
#include "base/memory.h"
#include "world_streams.h"
#include <stdio.h>

#define WALL_START_US UINT64_C(1790000000000000)

struct parcel {
    struct list link;
    unsigned from;
    bool is_stream; /* the answer to a try by stream; empty */
    struct gossip_address to, sender;
    struct stream_parcel *of_stream; /* owned; NULL: a datagram, or the answer to a try */
    size_t length;
    uint8_t data[];
};

struct world *world_new(uint64_t seed) {
    struct world *world = memory_allocate_zeroed(1, sizeof *world);
    random_init(&world->random, seed);
    heap_init(&world->flying);
    list_init(&world->recording);
    list_init(&world->streams);
    world->now_us = 1000000;
    world->timing = (struct gossip_timing){.probe_interval_us = 500000,
                                           .probe_timeout_us = 200000,
                                           .flush_us = 5000,
                                           .suspicion_factor = 4,
                                           .compress_min_bytes = 400,
                                           .wire_maximum = GOSSIP_WIRE_MAXIMUM};
    world->shortest_us = 500;
    world->longest_us = 2000;
    return world;
}

static void parcel_free(struct parcel *parcel) {
    stream_parcel_free(parcel->of_stream);
    memory_free(parcel);
}

static void world_empty(struct list *parcels) {
    LIST_EACH (parcels, link) {
        list_remove(link);
        parcel_free(LIST_ELEMENT(link, struct parcel, link));
    }
}
static void world_empty_inbox(struct world_node *node) { world_empty(&node->inbox); }

void world_free(struct world *world) {
    uint64_t deadline;
    void *parcel;
    while (heap_pop(&world->flying, &deadline, &parcel))
        parcel_free(parcel);
    heap_release(&world->flying);
    world_empty(&world->recording);
    for (unsigned i = 1; i <= world->count; i++) {
        gossip_free(world->nodes[i].gossip);
        world_empty_inbox(&world->nodes[i]);
    }
    world_streams_release(world);
    memory_free(world);
}

static struct world_node *world_at(struct world *world, const struct gossip_address *address) {
    for (unsigned i = 1; i <= world->count; i++) {
        struct world_node *node = &world->nodes[i];
        if (node->gossip != NULL && node->address.port == address->port &&
            strcmp(node->address.host, address->host) == 0)
            return node;
    }
    return NULL;
}

static struct parcel *parcel_new(const struct world_node *from, const struct gossip_address *to,
                                 struct bytes bytes) {
    struct parcel *parcel = memory_allocate(sizeof *parcel + bytes.length);
    parcel->from = from->number;
    parcel->is_stream = false;
    parcel->of_stream = NULL;
    parcel->to = *to;
    parcel->sender = from->address;
    parcel->length = bytes.length;
    memcpy(parcel->data, bytes.data, bytes.length);
    return parcel;
}

/* Where that leads now. */
static const struct gossip_address *world_way(struct world *world,
                                              const struct gossip_address *to) {
    if (world->service.port == 0 || !gossip_address_equal(to, &world->service))
        return to;
    const struct world_node *node;
    world->service_count++;
    do
        node = &world->nodes[1 + random_below(&world->random, world->count)];
    while (node->gossip == NULL);
    return &node->address;
}

static void world_fly(struct world *world, const struct world_node *from,
                      const struct gossip_address *to, struct bytes bytes) {
    to = world_way(world, to);
    struct parcel *parcel = parcel_new(from, to, bytes);
    uint64_t delay_us = random_between(&world->random, world->shortest_us, world->longest_us);
    const struct world_node *target = world->far_us > 0 ? world_at(world, to) : NULL;
    bool is_far = target != NULL && target->zone != from->zone;
    bool is_news = strcmp(gossip_datagram_kind(bytes), "NEWS") == 0;
    delay_us += is_far ? world->far_us : 0;
    world->news_count += is_news;
    world->far_news_count += is_far && is_news;
    heap_push(&world->flying, world->now_us + delay_us, parcel);
}

static void world_post(struct world *world, const struct world_node *from,
                       const struct gossip_datagram *datagram) {
    CHECK(datagram->bytes.length <= GOSSIP_DATAGRAM_MAXIMUM);
    world->datagram_count++;
    if (world->is_recording)
        list_append(&world->recording, &parcel_new(from, &datagram->to, datagram->bytes)->link);
    world->byte_count += datagram->bytes.length;
    if (datagram->bytes.length > world->largest_bytes)
        world->largest_bytes = datagram->bytes.length;
    const char *kind = gossip_datagram_kind(datagram->bytes);
    if (strcmp(kind, "DIGEST") == 0) {
        world->digest_count++;
        world->digest_bytes += datagram->bytes.length;
    }
    if (strcmp(kind, "FILL") == 0 || strcmp(kind, "PACKED") == 0)
        world->fill_bytes += datagram->bytes.length;
    if (!random_chance(&world->random, world->loss))
        world_fly(world, from, &datagram->to, datagram->bytes);
    if (random_chance(&world->random, world->repeats))
        world_fly(world, from, &datagram->to, datagram->bytes);
}

static struct world_node *world_member(struct world *world, const struct gossip_member *member) {
    for (unsigned i = 1; i <= world->count; i++)
        if (memcmp(world->nodes[i].uuid, member->who->uuid, GOSSIP_UUID_BYTES) == 0)
            return &world->nodes[i];
    return NULL;
}

static void world_watch(struct world *world, struct world_node *node,
                        const struct gossip_change *change) {
    const struct world_node *subject = world_member(world, change->member);
    if (change->kind == GOSSIP_CHANGE_STATE && change->member->state == GOSSIP_DEAD &&
        subject != NULL)
        world->healthy_called_dead += subject->gossip != NULL && !subject->is_stopped;
    if (world->on_change != NULL)
        world->on_change(world->context, node, change);
}

void world_record(struct world *world) {
    world_empty(&world->recording);
    world->is_recording = true;
}

void world_replay(struct world *world, size_t cut_bytes) {
    world->is_recording = false;
    LIST_EACH (&world->recording, link) {
        const struct parcel *parcel = LIST_ELEMENT(link, struct parcel, link);
        CHECK(cut_bytes < parcel->length);
        world_fly(world, &world->nodes[parcel->from], &parcel->to,
                  bytes_of(parcel->data, parcel->length - cut_bytes));
    }
}

uint64_t world_wall_us(const struct world *world, unsigned number) {
    const struct world_node *node = &world->nodes[number];
    int64_t gained_us = (int64_t)world->now_us * node->wall_drift_ppm / 1000000;
    return WALL_START_US + world->now_us + (uint64_t)(node->wall_offset_us + gained_us);
}

static struct world_node *world_at(struct world *world, const struct gossip_address *address);

/* Connected, asked and answered in the time of a datagram both ways. */
static void world_try_stream(struct world *world, const struct world_node *node,
                             const struct gossip_stream_try *try) {
    const struct world_node *other = world_at(world, &try->address);
    if (!world->has_streams || other == NULL || other->is_stopped ||
        memcmp(other->uuid, try->uuid, GOSSIP_UUID_BYTES) != 0)
        return;
    struct parcel *answer = parcel_new(other, &node->address, BYTES_LITERAL(""));
    answer->is_stream = true;
    heap_push(&world->flying, world->now_us + 2 * world->longest_us, answer);
}

void world_stream_fly(struct world *world, const struct world_node *from,
                      struct stream_parcel *carried) {
    struct parcel *parcel = parcel_new(from, &world->nodes[carried->to].address, BYTES_LITERAL(""));
    parcel->of_stream = carried;
    heap_push(&world->flying, world->now_us + world->longest_us, parcel);
}

void world_step(struct world *world, struct world_node *node, struct gossip_event event) {
    struct gossip_actions actions;
    event.now_us = world->now_us;
    event.wall_us = world_wall_us(world, node->number);
    gossip_step(node->gossip, &event, &actions);
    node->deadline_us = actions.deadline_us;
    CHECK(actions.deadline_us > world->now_us);
    for (size_t i = 0; i < actions.datagram_count; i++)
        world_post(world, node, &actions.datagrams[i]);
    for (size_t i = 0; i < actions.stream_try_count; i++)
        world_try_stream(world, node, &actions.stream_tries[i]);
    for (size_t i = 0; i < actions.stream_count; i++)
        world_stream_act(world, node, &actions.streams[i]);
    for (size_t i = 0; i < actions.change_count; i++)
        world_watch(world, node, &actions.changes[i]);
    for (size_t i = 0; world->on_propagation != NULL && i < actions.propagation_count; i++)
        world->on_propagation(world->context, world, &actions.propagations[i]);
    world->detection_count += actions.detection_us > 0;
    if (actions.detection_us > world->longest_detection_us)
        world->longest_detection_us = actions.detection_us;
}

void world_start(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number];
    CHECK(node->gossip == NULL);
    node->generation++;
    node->is_old = world->is_next_old;
    struct gossip_timing timing = world->timing;
    if (node->is_old)
        timing.wire_maximum = 0;
    struct gossip_options options = {.generation = node->generation,
                                     .address = node->address,
                                     .timing = timing,
                                     .seed = random_next(&world->random),
                                     .now_us = world->now_us,
                                     .is_sealed = world->is_sealed,
                                     .has_streams = world->has_large_streams,
                                     .log = world->log};
    memcpy(options.uuid, node->uuid, GOSSIP_UUID_BYTES);
    if (node->name[0] != 0)
        memcpy(options.name, node->name, sizeof options.name);
    else
        snprintf(options.name, sizeof options.name, "n%u", number);
    node->gossip = gossip_new(&options);
    world_step(world, node, (struct gossip_event){.kind = GOSSIP_TICK});
}

struct world_node *world_add(struct world *world) {
    CHECK(world->count < WORLD_NODE_MAXIMUM);
    struct world_node *node = &world->nodes[++world->count];
    node->number = world->count;
    node->uuid[0] = (uint8_t)(node->number * 151); /* spread, as random ones are */
    node->uuid[14] = (uint8_t)(node->number >> 8);
    node->uuid[15] = (uint8_t)node->number;
    snprintf(node->address.host, sizeof node->address.host, "10.0.%u.%u", node->number / 250,
             node->number % 250 + 1);
    node->address.port = 7000;
    list_init(&node->inbox);
    world_start(world, node->number);
    return node;
}

void world_seed_address(struct world *world, unsigned number, const struct gossip_address *seed) {
    world_step(world, &world->nodes[number],
               (struct gossip_event){.kind = GOSSIP_SEED, .address = *seed});
}

void world_seed(struct world *world, unsigned number, unsigned seed) {
    world_seed_address(world, number, &world->nodes[seed].address);
}

void world_add_cluster(struct world *world, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        world_seed(world, world_add(world)->number, 1);
}

void world_set_timing(struct world *world, const struct gossip_timing *timing) {
    world->timing = *timing;
    for (unsigned i = 1; i <= world->count; i++) {
        if (world->nodes[i].gossip == NULL)
            continue;
        gossip_set_timing(world->nodes[i].gossip, timing);
        world_step(world, &world->nodes[i], (struct gossip_event){.kind = GOSSIP_TICK});
    }
}

void world_kill(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number];
    gossip_free(node->gossip);
    node->gossip = NULL;
    world_streams_of_dead(world, node);
    node->is_stopped = false;
    world_empty_inbox(node);
}

void world_stop(struct world *world, unsigned number) { world->nodes[number].is_stopped = true; }

static void world_deliver(struct world *world, struct world_node *node,
                          const struct parcel *parcel) {
    if (parcel->of_stream != NULL) {
        world_stream_land(world, node, parcel->of_stream);
        return;
    }
    uint8_t version = parcel->length > 0 ? parcel->data[0] : 0;
    world->received_by_version[version > 0]++;
    if (node->is_old && version > 0) {
        world->unreadable_count++;
        return;
    }
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .address = parcel->sender,
                                 .bytes = bytes_of(parcel->data, parcel->length)};
    world_step(world, node, event);
}

void world_resume(struct world *world, unsigned number) {
    struct world_node *node = &world->nodes[number];
    node->is_stopped = false;
    /* As in an event loop: timers before sockets. */
    world_step(world, node, (struct gossip_event){.kind = GOSSIP_TICK});
    LIST_EACH (&node->inbox, link)
        world_deliver(world, node, LIST_ELEMENT(link, struct parcel, link));
    world_empty_inbox(node);
}

void world_leave(struct world *world, unsigned number) {
    world_step(world, &world->nodes[number], (struct gossip_event){.kind = GOSSIP_LEAVE});
}

void world_contact(struct world *world, unsigned number, unsigned other) {
    struct gossip_event event = {.kind = GOSSIP_CONTACT};
    memcpy(event.uuid, world->nodes[other].uuid, GOSSIP_UUID_BYTES);
    world_step(world, &world->nodes[number], event);
}

void world_set_class(struct world *world, unsigned number, const char *key, const char *value,
                     enum gossip_priority priority) {
    world_step(world, &world->nodes[number],
               (struct gossip_event){.kind = GOSSIP_SET,
                                     .key = bytes_of_text(key),
                                     .value = bytes_of_text(value),
                                     .priority = priority});
}

void world_set(struct world *world, unsigned number, const char *key, const char *value) {
    world_set_class(world, number, key, value, GOSSIP_STATE);
}

void world_send(struct world *world, unsigned from, unsigned to, struct bytes datagram) {
    struct gossip_event event = {
        .kind = GOSSIP_DATAGRAM, .address = world->nodes[from].address, .bytes = datagram};
    world_step(world, &world->nodes[to], event);
}

void world_cut(struct world *world, unsigned from, unsigned to) { world->is_cut[from][to] = true; }

void world_split(struct world *world, unsigned last_of_first_half) {
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned j = 1; j <= world->count; j++)
            world->is_cut[i][j] |= (i <= last_of_first_half) != (j <= last_of_first_half);
}

void world_heal(struct world *world) { memset(world->is_cut, 0, sizeof world->is_cut); }

static void world_land(struct world *world, struct parcel *parcel) {
    if (parcel->is_stream) {
        struct world_node *asker = world_at(world, &parcel->to);
        if (asker != NULL && !asker->is_stopped)
            world_contact(world, asker->number, parcel->from);
        memory_free(parcel);
        return;
    }
    struct world_node *node = world_at(world, &parcel->to);
    bool is_missed =
        node != NULL && node->misses_news &&
        strcmp(gossip_datagram_kind(bytes_of(parcel->data, parcel->length)), "NEWS") == 0;
    if (node == NULL || is_missed || world->is_cut[parcel->from][node->number]) {
        parcel_free(parcel);
        return;
    }
    if (node->is_stopped) {
        list_append(&node->inbox, &parcel->link);
        return;
    }
    world_deliver(world, node, parcel);
    parcel_free(parcel);
}

static struct world_node *world_next_to_tick(struct world *world) {
    struct world_node *next = NULL;
    for (unsigned i = 1; i <= world->count; i++) {
        struct world_node *node = &world->nodes[i];
        if (node->gossip == NULL || node->is_stopped)
            continue;
        if (next == NULL || node->deadline_us < next->deadline_us)
            next = node;
    }
    return next;
}

void world_run(struct world *world, uint64_t duration_us) {
    uint64_t end_us = world->now_us + duration_us;
    for (;;) {
        uint64_t landing_us = UINT64_MAX;
        void *parcel;
        bool is_flying = heap_peek(&world->flying, &landing_us, &parcel);
        struct world_node *node = world_next_to_tick(world);
        uint64_t tick_us = node ? node->deadline_us : UINT64_MAX;
        uint64_t next_us = landing_us < tick_us ? landing_us : tick_us;
        if (next_us > end_us)
            break;
        if (next_us > world->now_us)
            world->now_us = next_us;
        if (is_flying && landing_us <= tick_us) {
            heap_pop(&world->flying, &landing_us, &parcel);
            world_land(world, parcel);
        } else {
            world_step(world, node, (struct gossip_event){.kind = GOSSIP_TICK});
        }
    }
    world->now_us = end_us;
}

bool world_run_until(struct world *world, uint64_t longest_us, bool (*holds)(struct world *world)) {
    for (uint64_t ran_us = 0; ran_us < longest_us; ran_us += 10000) {
        if (holds(world))
            return true;
        world_run(world, 10000);
    }
    return holds(world);
}

const struct gossip_member *world_view(struct world *world, unsigned number, unsigned other) {
    const struct gossip *gossip = world->nodes[number].gossip;
    for (size_t i = 0; gossip != NULL && i < gossip_member_count(gossip); i++) {
        const struct gossip_member *member = gossip_member_at(gossip, i);
        if (memcmp(member->who->uuid, world->nodes[other].uuid, GOSSIP_UUID_BYTES) == 0)
            return member;
    }
    return NULL;
}

struct bytes world_value(struct world *world, unsigned number, unsigned other, const char *key) {
    const struct gossip_member *member = world_view(world, number, other);
    return member ? gossip_get(world->nodes[number].gossip, member, bytes_of_text(key))
                  : BYTES_NONE;
}

unsigned world_key_count(struct world *world, unsigned number, unsigned other) {
    const struct gossip_member *member = world_view(world, number, other);
    size_t position = 0;
    struct bytes key, value;
    uint64_t version;
    unsigned count = 0;
    while (member != NULL &&
           gossip_walk_keys(world->nodes[number].gossip, member, &position, &key, &value, &version))
        count++;
    return count;
}

bool world_is_state(struct world *world, unsigned number, unsigned other,
                    enum gossip_member_state state) {
    const struct gossip_member *member = world_view(world, number, other);
    return member != NULL && member->state == state;
}

bool world_all_know(struct world *world, unsigned of, const char *key, const char *value) {
    for (unsigned i = 1; i <= world->count; i++)
        if (world->nodes[i].gossip != NULL &&
            !bytes_equal(world_value(world, i, of, key), bytes_of_text(value)))
            return false;
    return true;
}

bool world_all_believe(struct world *world, unsigned of, enum gossip_member_state state) {
    for (unsigned i = 1; i <= world->count; i++)
        if (i != of && world->nodes[i].gossip != NULL && !world_is_state(world, i, of, state))
            return false;
    return true;
}

bool world_is_settled(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned j = 1; j <= world->count; j++) {
            if (world->nodes[i].gossip == NULL)
                continue;
            const struct gossip_member *member = world_view(world, i, j);
            bool is_seen = member != NULL && member->state == GOSSIP_ALIVE;
            if (is_seen != (world->nodes[j].gossip != NULL))
                return false;
            if (is_seen && member->who->generation != world->nodes[j].generation)
                return false;
        }
    return true;
}
