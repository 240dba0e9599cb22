#include "sim/gossip/crowd.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

/* A stopped process' socket holds this many; what comes then is dropped by its kernel. */
enum { INBOX_MAXIMUM = 256, PORT_FIRST = 7000, PORT_COUNT = 50000, HOSTS_PER_LEVEL = 250 };
enum { CLOCK_AHEAD_US = 5000 };                  /* or behind, at the most */
#define WALL_BEGIN_US UINT64_C(1790000000000000) /* true time when a run begins */

/* The nodes' UUIDs look like any others (16 random bytes), but hold the node's number. */
static void crowd_name(struct crowd *crowd, unsigned number) {
    struct crowd_node *node = &crowd->nodes[number];
    uint64_t lot = random_next(&crowd->random);
    memcpy(node->uuid, &lot, sizeof lot);
    lot = random_next(&crowd->random);
    memcpy(node->uuid + 8, &lot, 4);
    memcpy(node->uuid + 12, &number, 4);
    snprintf(node->address.host, sizeof node->address.host, "10.%u.%u.%u",
             number / HOSTS_PER_LEVEL / HOSTS_PER_LEVEL, number / HOSTS_PER_LEVEL % HOSTS_PER_LEVEL,
             number % HOSTS_PER_LEVEL + 1);
    list_init(&node->inbox);
    node->clock_ahead_us =
        (int64_t)random_between(&crowd->random, 0, 2 * CLOCK_AHEAD_US) - CLOCK_AHEAD_US;
}

struct crowd *crowd_new(const struct crowd_options *options) {
    unsigned node_count = options->node_count;
    CHECK(node_count > 0 && node_count <= CROWD_NODE_MAXIMUM);
    struct crowd *crowd = memory_allocate_zeroed(1, sizeof *crowd);
    random_init(&crowd->random, options->seed);
    heap_init(&crowd->flying);
    sight_init(&crowd->sight, node_count);
    crowd->pool = gossip_pool_new();
    crowd->scratch = gossip_scratch_new();
    crowd->now_us = CROWD_SECOND_US;
    crowd->work_us = options->work_us;
    crowd->timing = options->timing;
    crowd->on_progress = options->on_progress;
    ahead_init(&crowd->ahead);
    crowd->network = (struct crowd_network){.shortest_us = 500, .longest_us = 2000};
    crowd->nodes = memory_allocate_zeroed(node_count, sizeof *crowd->nodes);
    crowd->node_count = node_count;
    for (unsigned i = 0; i < node_count; i++)
        crowd_name(crowd, i);
    return crowd;
}

static void crowd_empty_inbox(struct crowd_node *node) {
    LIST_EACH (&node->inbox, link) {
        list_remove(link);
        memory_free(LIST_ELEMENT(link, struct parcel, link));
    }
    node->inbox_count = 0;
}

void crowd_free(struct crowd *crowd) {
    uint64_t arrival_us;
    void *parcel;
    while (heap_pop(&crowd->flying, &arrival_us, &parcel))
        memory_free(parcel);
    heap_release(&crowd->flying);
    for (unsigned i = 0; i < crowd->node_count; i++) {
        gossip_free(crowd->nodes[i].gossip);
        crowd_empty_inbox(&crowd->nodes[i]);
    }
    gossip_pool_free(crowd->pool);
    gossip_scratch_free(crowd->scratch);
    due_heap_release(&crowd->waiting);
    sight_release(&crowd->sight);
    memory_free(crowd->nodes);
    memory_free(crowd);
}

/* Who is who. */

unsigned crowd_node_of(const struct crowd *crowd, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    unsigned number;
    memcpy(&number, uuid + 12, sizeof number);
    bool is_one = number < crowd->node_count &&
                  memcmp(crowd->nodes[number].uuid, uuid, GOSSIP_UUID_BYTES) == 0;
    return is_one ? number : CROWD_NODE_MAXIMUM;
}

/* The number in "10.a.b.c". */
static unsigned crowd_node_at(const struct crowd *crowd, const struct gossip_address *address) {
    const char *at = address->host;
    unsigned parts[4] = {0};
    for (unsigned i = 0; i < 4; i++, at += *at == '.')
        for (; *at >= '0' && *at <= '9'; at++)
            parts[i] = parts[i] * 10 + (unsigned)(*at - '0');
    unsigned number = (parts[1] * HOSTS_PER_LEVEL + parts[2]) * HOSTS_PER_LEVEL + parts[3] - 1;
    return parts[0] == 10 && number < crowd->node_count ? number : CROWD_NODE_MAXIMUM;
}

static unsigned crowd_number(const struct crowd *crowd, const struct due *waiting) {
    return (unsigned)(DUE_ELEMENT((void *)(uintptr_t)waiting, struct crowd_node, waiting) -
                      crowd->nodes);
}

bool crowd_is_running(const struct crowd *crowd, unsigned node) {
    return crowd->nodes[node].gossip != NULL;
}

unsigned crowd_any_running(struct crowd *crowd) {
    CHECK(crowd->running_count > 0);
    unsigned node;
    do
        node = (unsigned)random_below(&crowd->random, crowd->node_count);
    while (!crowd_is_running(crowd, node));
    return node;
}

/* The network. */

static uint64_t crowd_delay_us(struct crowd *crowd) {
    const struct crowd_network *network = &crowd->network;
    uint64_t longest_us = network->longest_us;
    if (network->late > 0 && random_chance(&crowd->random, network->late))
        longest_us = network->late_us;
    return random_between(&crowd->random, network->shortest_us, longest_us);
}

static void crowd_fly(struct crowd *crowd, unsigned from, unsigned to,
                      const struct gossip_datagram *datagram) {
    struct bytes bytes = datagram->bytes;
    struct parcel *parcel = memory_allocate(sizeof *parcel + bytes.length);
    parcel->from = from;
    parcel->to = to;
    parcel->to_port = datagram->to.port;
    parcel->length = bytes.length;
    memcpy(parcel->data, bytes.data, bytes.length);
    heap_push(&crowd->flying, crowd->now_us + crowd_delay_us(crowd), parcel);
}

static void crowd_post(struct crowd *crowd, unsigned from, const struct gossip_datagram *datagram) {
    CHECK(datagram->bytes.length <= GOSSIP_DATAGRAM_MAXIMUM);
    crowd->traffic.datagrams++;
    crowd->traffic.bytes += datagram->bytes.length;
    crowd->traffic.digests += strcmp(gossip_datagram_kind(datagram->bytes), "DIGEST") == 0;
    unsigned to = crowd_node_at(crowd, &datagram->to);
    if (to == CROWD_NODE_MAXIMUM)
        return;
    if (crowd->network.loss == 0 || !random_chance(&crowd->random, crowd->network.loss))
        crowd_fly(crowd, from, to, datagram);
    if (crowd->network.repeats > 0 && random_chance(&crowd->random, crowd->network.repeats))
        crowd_fly(crowd, from, to, datagram);
}

/* What the nodes notice. */

static bool crowd_sees_life(const struct crowd *crowd, const struct gossip_member *member,
                            unsigned subject) {
    bool is_live = member->state != GOSSIP_DEAD && member->state != GOSSIP_LEFT;
    return is_live && member->who->generation == crowd->nodes[subject].generation;
}

static void crowd_notice(struct crowd *crowd, unsigned observer,
                         const struct gossip_change *change) {
    unsigned subject = crowd_node_of(crowd, change->member->who->uuid);
    if (subject != CROWD_NODE_MAXIMUM && change->kind != GOSSIP_CHANGE_KEY) {
        const struct crowd_node *one = &crowd->nodes[subject], *other = &crowd->nodes[observer];
        bool is_well = one->gossip != NULL && !one->is_stopped && one->group == other->group;
        bool is_life = change->member->who->generation == one->generation;
        if (change->kind == GOSSIP_CHANGE_STATE && change->member->state == GOSSIP_DEAD)
            crowd->false_deaths += is_well && is_life;
        sight_set(&crowd->sight, observer, subject,
                  crowd_sees_life(crowd, change->member, subject));
    }
    if (crowd->on_change != NULL)
        crowd->on_change(crowd->context, observer, change);
}

static void crowd_step(struct crowd *crowd, unsigned number, struct gossip_event event) {
    struct crowd_node *node = &crowd->nodes[number];
    struct gossip_actions actions;
    event.now_us = crowd->now_us;
    event.wall_us = WALL_BEGIN_US + crowd->now_us + (uint64_t)node->clock_ahead_us;
    gossip_step(node->gossip, &event, &actions);
    CHECK(actions.deadline_us > crowd->now_us);
    if (++crowd->step_count % CROWD_PROGRESS_STEPS == 0 && crowd->on_progress != NULL)
        crowd->on_progress(crowd);
    crowd->busy_us = crowd->now_us + crowd->work_us * (1 + actions.datagram_count);
    due_set(&crowd->waiting, &node->waiting, actions.deadline_us);
    if (actions.detection_us > 0)
        histogram_add(&crowd->detections_us, actions.detection_us);
    for (size_t i = 0; i < actions.datagram_count; i++)
        crowd_post(crowd, number, &actions.datagrams[i]);
    for (size_t i = 0; i < actions.change_count; i++)
        crowd_notice(crowd, number, &actions.changes[i]);
}

/* What happens to nodes. */

void crowd_start(struct crowd *crowd, unsigned number) {
    struct crowd_node *node = &crowd->nodes[number];
    CHECK(node->gossip == NULL);
    node->generation++;
    uint64_t life = node->keeps_port ? 0 : node->generation;
    node->address.port = (uint16_t)(PORT_FIRST + life % PORT_COUNT);
    sight_begin(&crowd->sight, number);
    struct gossip_options options = {.generation = node->generation,
                                     .address = node->address,
                                     .timing = crowd->timing,
                                     .seed = random_next(&crowd->random),
                                     .now_us = crowd->now_us,
                                     .pool = crowd->pool,
                                     .scratch = crowd->scratch};
    memcpy(options.uuid, node->uuid, GOSSIP_UUID_BYTES);
    snprintf(options.name, sizeof options.name, "n%u", number);
    node->gossip = gossip_new(&options);
    crowd->running_count++;
    crowd_step(crowd, number, (struct gossip_event){.kind = GOSSIP_TICK});
}

void crowd_kill(struct crowd *crowd, unsigned number) {
    struct crowd_node *node = &crowd->nodes[number];
    CHECK(node->gossip != NULL);
    ahead_forget(&crowd->ahead);
    gossip_free(node->gossip);
    node->gossip = NULL;
    node->is_stopped = false;
    crowd_empty_inbox(node);
    crowd->running_count--;
    due_remove(&crowd->waiting, &node->waiting);
    sight_end(&crowd->sight, number);
}

void crowd_stop(struct crowd *crowd, unsigned number) {
    struct crowd_node *node = &crowd->nodes[number];
    node->is_stopped = true;
    due_remove(&crowd->waiting, &node->waiting);
}

void crowd_hand(struct crowd *crowd, unsigned number, const struct gossip_address *from,
                struct bytes datagram) {
    crowd_step(crowd, number,
               (struct gossip_event){.kind = GOSSIP_DATAGRAM, .address = *from, .bytes = datagram});
}

static void crowd_deliver(struct crowd *crowd, const struct parcel *parcel) {
    crowd_hand(crowd, parcel->to, &crowd->nodes[parcel->from].address,
               bytes_of(parcel->data, parcel->length));
}

void crowd_resume(struct crowd *crowd, unsigned number) {
    struct crowd_node *node = &crowd->nodes[number];
    node->is_stopped = false;
    /* As in an event loop: timers before sockets. */
    crowd_step(crowd, number, (struct gossip_event){.kind = GOSSIP_TICK});
    LIST_EACH (&node->inbox, link)
        crowd_deliver(crowd, LIST_ELEMENT(link, struct parcel, link));
    crowd_empty_inbox(node);
}

void crowd_leave(struct crowd *crowd, unsigned number) {
    crowd_step(crowd, number, (struct gossip_event){.kind = GOSSIP_LEAVE});
    crowd_kill(crowd, number);
}

void crowd_seed(struct crowd *crowd, unsigned number, unsigned seed) {
    crowd_step(crowd, number,
               (struct gossip_event){.kind = GOSSIP_SEED, .address = crowd->nodes[seed].address});
}

void crowd_set_timing(struct crowd *crowd, unsigned number, const struct gossip_timing *timing) {
    gossip_set_timing(crowd->nodes[number].gossip, timing);
    crowd_step(crowd, number, (struct gossip_event){.kind = GOSSIP_TICK});
}

void crowd_set(struct crowd *crowd, unsigned number, struct bytes key, struct bytes value) {
    crowd_step(crowd, number,
               (struct gossip_event){.kind = GOSSIP_SET, .key = key, .value = value});
}

/* What is to come, as far as it is known. */

static void add_step(struct ahead_span *span, const struct crowd_node *node,
                     const struct crowd_node *sender) {
    memory_fetch_all(node, sizeof *node);
    memory_fetch_all(sender, sender != NULL ? sizeof *sender : 0);
    if (node->gossip != NULL)
        span->steps[span->count++] = (struct gossip_coming){
            .gossip = node->gossip, .sender = sender != NULL ? sender->uuid : NULL};
}

static void add_landings(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    void *parcels[AHEAD_STEPS_MAXIMUM];
    size_t count = heap_look(&crowd->flying, after_us, span->until_us, parcels,
                             AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++) {
        const struct parcel *parcel = parcels[i];
        add_step(span, &crowd->nodes[parcel->to], &crowd->nodes[parcel->from]);
    }
}

static void add_ticks(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    struct due *ticks[AHEAD_STEPS_MAXIMUM];
    size_t count = due_look(&crowd->waiting, after_us, span->until_us, ticks,
                            AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++)
        add_step(span, &crowd->nodes[crowd_number(crowd, ticks[i])], NULL);
}

static void crowd_fill(const void *context, uint64_t after_us, struct ahead_span *span) {
    add_landings(context, after_us, span);
    add_ticks(context, after_us, span);
}

static void crowd_look_ahead(struct crowd *crowd) {
    ahead_look(&crowd->ahead, &(struct ahead_source){.fill = crowd_fill,
                                                     .context = crowd,
                                                     .now_us = crowd->now_us,
                                                     .shortest_us = crowd->network.shortest_us});
}

/* Time. */

static void crowd_land(struct crowd *crowd, struct parcel *parcel) {
    struct crowd_node *node = &crowd->nodes[parcel->to];
    bool is_there = node->gossip != NULL && node->address.port == parcel->to_port &&
                    node->group == crowd->nodes[parcel->from].group;
    if (is_there && node->is_stopped && node->inbox_count < INBOX_MAXIMUM) {
        list_append(&node->inbox, &parcel->link);
        node->inbox_count++;
        return;
    }
    if (is_there && !node->is_stopped)
        crowd_deliver(crowd, parcel);
    memory_free(parcel);
}

/* The next event up to `end_us`; false if there is none. */
static bool crowd_run_next(struct crowd *crowd, uint64_t end_us) {
    uint64_t landing_us = UINT64_MAX;
    void *parcel;
    const struct due *waiting = due_first(&crowd->waiting);
    uint64_t deadline_us = waiting != NULL ? waiting->time_us : UINT64_MAX;
    heap_peek(&crowd->flying, &landing_us, &parcel);
    uint64_t next_us = landing_us < deadline_us ? landing_us : deadline_us;
    if (next_us < crowd->busy_us)
        next_us = crowd->busy_us;
    if (next_us > end_us)
        return false;
    if (next_us > crowd->now_us)
        crowd->now_us = next_us;
    if (crowd->now_us > crowd->ahead.again_us)
        crowd_look_ahead(crowd);
    if (landing_us <= deadline_us) {
        heap_pop(&crowd->flying, &landing_us, &parcel);
        crowd_land(crowd, parcel);
    } else {
        crowd_step(crowd, crowd_number(crowd, waiting), (struct gossip_event){.kind = GOSSIP_TICK});
    }
    return true;
}

void crowd_run(struct crowd *crowd, uint64_t duration_us) {
    uint64_t end_us = crowd->now_us + duration_us;
    while (crowd_run_next(crowd, end_us))
        ;
    crowd->now_us = end_us;
}

bool crowd_run_until(struct crowd *crowd, uint64_t longest_us, bool (*holds)(const struct crowd *),
                     uint64_t *took_us) {
    uint64_t begun_us = crowd->now_us;
    while (!holds(crowd) && crowd->now_us - begun_us < longest_us)
        crowd_run(crowd, 10000);
    *took_us = crowd->now_us - begun_us;
    return holds(crowd);
}

bool crowd_is_settled(const struct crowd *crowd) { return crowd->sight.wrong_count == 0; }

void crowd_count_traffic(struct crowd *crowd) { crowd->traffic = (struct crowd_traffic){0}; }
