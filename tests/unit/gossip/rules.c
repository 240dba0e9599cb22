#include "rules.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>

enum {
    MEETING_LETTERS_MAXIMUM = 400, /* what one probe leads to ends by itself, long before */
    CONVERGE_ROUNDS = 120,
    PROBE_US = 500000,
    ROUND_US = 520000,
    FLUSH_US = 10000
};
#define WALL_BEGIN_US UINT64_C(1700000000000000)
#define DAY_US        (UINT64_C(24) * 3600 * SECOND_US)
#define SECOND_US     UINT64_C(1000000)
#define BAG_KEPT_US                                                                                \
    (UINT64_C(6) * 3600 *                                                                          \
     SECOND_US) /* longer than any network keeps a datagram                   \
                                      */

static const char *const operation_names[] = {
#define OPERATION(name) #name,
    RULES_OPERATIONS
#undef OPERATION
};
static const char *const key_names[RULES_KEYS] = {"a", "b"};

/* The bag. */

static struct rules_letter *bag_at(struct rules *rules, size_t place) {
    return &rules->bag[(rules->bag_first + place) % RULES_BAG];
}

static void bag_lose_first(struct rules *rules) {
    rules->bag_first = (rules->bag_first + 1) % RULES_BAG;
    rules->bag_count--;
}

static void bag_add(struct rules *rules, unsigned from, const struct gossip_datagram *datagram) {
    if (rules->bag_count == RULES_BAG)
        bag_lose_first(rules);
    unsigned to = 0;
    while (to < RULES_NODES && rules->nodes[to].address.port != datagram->to.port)
        to++;
    if (to == RULES_NODES)
        return;
    struct rules_letter *letter = bag_at(rules, rules->bag_count++);
    letter->from = from;
    letter->to = to;
    letter->posted_us = rules->now_us;
    letter->length = datagram->bytes.length;
    memcpy(letter->data, datagram->bytes.data, letter->length);
}

/* Steps of nodes. */

static size_t node_step(struct rules *rules, unsigned number, struct gossip_event event) {
    struct gossip_actions actions;
    event.now_us = rules->now_us;
    event.wall_us = WALL_BEGIN_US + rules->now_us + (uint64_t)rules->nodes[number].clock_ahead_us;
    gossip_step(rules->nodes[number].gossip, &event, &actions);
    for (size_t i = 0; i < actions.datagram_count; i++)
        bag_add(rules, number, &actions.datagrams[i]);
    rules_look(rules);
    return actions.datagram_count;
}

static size_t node_tick(struct rules *rules, unsigned number) {
    return node_step(rules, number, (struct gossip_event){.kind = GOSSIP_TICK});
}

static void deliver(struct rules *rules, const struct rules_letter *letter) {
    struct rules_letter copy = *letter; /* its place in the bag may be taken meanwhile */
    node_step(rules, copy.to,
              (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                    .address = rules->nodes[copy.from].address,
                                    .bytes = bytes_of(copy.data, copy.length)});
}

/* A probe, and all that comes of it, with nothing lost. */
static void meet(struct rules *rules, unsigned number) {
    rules->now_us += ROUND_US;
    size_t due = node_tick(rules, number), delivered = 0;
    while (due > 0 && rules->bag_count > 0) {
        if (due > rules->bag_count)
            due = rules->bag_count;
        const struct rules_letter *next = bag_at(rules, rules->bag_count - due--);
        size_t before = rules->bag_count, first = rules->bag_first;
        CHECK(delivered++ < MEETING_LETTERS_MAXIMUM);
        rules->now_us += 100;
        deliver(rules, next);
        size_t lost = (rules->bag_first + RULES_BAG - first) % RULES_BAG;
        due += rules->bag_count + lost - before;
    }
}

static void node_begin(struct rules *rules, unsigned number) {
    struct rules_node *node = &rules->nodes[number];
    gossip_free(node->gossip);
    node->generation++;
    CHECK(node->generation < RULES_LIVES);
    node->lives[node->generation] = node->said_count;
    node->has_left = false;
    node->clock_ahead_us = (int64_t)random_below(&rules->random, 2 * DAY_US) - (int64_t)DAY_US;
    memset(node->values, 0, sizeof node->values);
    memset(node->beliefs, 0, sizeof node->beliefs);
    struct gossip_options options = {
        .generation = node->generation,
        .address = node->address,
        .timing = {.probe_interval_us = PROBE_US,
                   .probe_timeout_us = 200000,
                   .flush_us = FLUSH_US / 2,
                   .suspicion_factor = 4,
                   .wire_maximum = (unsigned)random_below(&rules->random, GOSSIP_WIRE_MAXIMUM + 1)},
        .seed = random_next(&rules->random),
        .now_us = rules->now_us};
    memcpy(options.uuid, node->uuid, GOSSIP_UUID_BYTES);
    snprintf(options.name, sizeof options.name, "n%u", number);
    node->gossip = gossip_new(&options);
    for (unsigned i = 0; i < RULES_NODES; i++)
        if (i != number)
            node_step(
                rules, number,
                (struct gossip_event){.kind = GOSSIP_SEED, .address = rules->nodes[i].address});
}

static void node_say(struct rules *rules, unsigned number, unsigned key, unsigned value) {
    struct rules_node *node = &rules->nodes[number];
    if (node->has_left || node->values[key] == value)
        return;
    char text[16] = "";
    if (value != 0)
        snprintf(text, sizeof text, "%u", value);
    node->values[key] = value;
    node->said[node->said_count++] = (struct rules_said){.key = key, .number = value};
    node_step(rules, number,
              (struct gossip_event){.kind = GOSSIP_SET,
                                    .key = bytes_of_text(key_names[key]),
                                    .value = bytes_of_text(text)});
}

static void node_leave(struct rules *rules, unsigned number) {
    rules->nodes[number].has_left = true;
    node_step(rules, number, (struct gossip_event){.kind = GOSSIP_LEAVE});
}

/* Operations. */

static void all_tick(struct rules *rules, uint64_t after_us) {
    rules->now_us += after_us;
    for (unsigned i = 0; i < RULES_NODES; i++)
        node_tick(rules, i);
}

static void forget_letters(struct rules *rules) {
    while (rules->bag_count > 0 && rules->now_us - bag_at(rules, 0)->posted_us > BAG_KEPT_US)
        bag_lose_first(rules);
}

void rules_do(struct rules *rules, const struct rules_step *step) {
    if (rules->is_printed)
        printf("%12.3f %s node %u key %s\n", (double)rules->now_us / 1e6,
               operation_names[step->operation], step->node, key_names[step->key]);
    switch (step->operation) {
    case RULES_SET:
        node_say(rules, step->node, step->key, ++rules->last_number);
        return;
    case RULES_REMOVE:
        node_say(rules, step->node, step->key, 0);
        return;
    case RULES_FORGET:
        all_tick(rules, 3620 * SECOND_US);
        forget_letters(rules);
        return;
    case RULES_RESTART:
        node_begin(rules, step->node);
        return;
    case RULES_LEAVE:
        node_leave(rules, step->node);
        return;
    case RULES_TELL:
        rules->now_us += FLUSH_US;
        node_tick(rules, step->node);
        return;
    case RULES_PASS:
        for (unsigned i = 0; i < 8; i++)
            all_tick(rules, SECOND_US / 4);
        return;
    case RULES_MEET:
        meet(rules, step->node);
        return;
    case RULES_DELIVER_NEW:
        if (rules->bag_count > 0)
            deliver(rules, bag_at(rules, rules->bag_count - 1));
        return;
    case RULES_DELIVER_OLD:
        if (rules->bag_count > 0)
            deliver(rules, bag_at(rules, 0));
        return;
    case RULES_DELIVER_ANY:
        if (rules->bag_count > 0)
            deliver(rules, bag_at(rules, random_below(&rules->random, rules->bag_count)));
        return;
    case RULES_OPERATION_COUNT:
        break;
    }
    UNREACHABLE();
}

void rules_converge(struct rules *rules) {
    for (unsigned round = 0; round < CONVERGE_ROUNDS && !rules_are_all_right(rules); round++)
        for (unsigned i = 0; i < RULES_NODES; i++)
            meet(rules, i);
    if (rules->broken == NULL && !rules_are_all_right(rules))
        rules->broken = "all got through, and still not all know the truth";
}

/* The world. */

struct rules *rules_new(uint64_t seed, bool is_printed) {
    struct rules *rules = memory_allocate_zeroed(1, sizeof *rules);
    random_init(&rules->random, seed);
    rules->now_us = SECOND_US;
    rules->is_printed = is_printed;
    for (unsigned i = 0; i < RULES_NODES; i++) {
        struct rules_node *node = &rules->nodes[i];
        memset(node->uuid, (int)('A' + i), GOSSIP_UUID_BYTES);
        node->address = (struct gossip_address){.host = "10.0.0.1", .port = (uint16_t)(7001 + i)};
    }
    for (unsigned i = 0; i < RULES_NODES; i++)
        node_begin(rules, i);
    rules_converge(rules);
    for (unsigned i = 0; i < RULES_NODES; i++)
        node_say(rules, i, 0, ++rules->last_number);
    rules_converge(rules);
    return rules;
}

void rules_free(struct rules *rules) {
    for (unsigned i = 0; i < RULES_NODES; i++)
        gossip_free(rules->nodes[i].gossip);
    memory_free(rules);
}

bool rules_has_room(const struct rules *rules) {
    bool has_room = true;
    for (unsigned i = 0; i < RULES_NODES; i++)
        has_room &= rules->nodes[i].said_count < RULES_SAID - 64 &&
                    rules->nodes[i].generation < RULES_LIVES - 64;
    return has_room;
}
