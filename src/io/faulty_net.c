#include "io/faulty_net.h"
#include "base/containers/heap.h"
#include "base/memory.h"
#include "base/planted.h"
#include "base/random.h"

struct held {
    struct net_address peer;
    enum fault_way way;
    size_t length;
    uint8_t bytes[];
};

struct faulty_net {
    struct net door; /* the first: a pointer to it is one to this */
    struct faulty_net_options options;
    struct random random;
    struct fault_rule rules[FAULT_RULE_MAXIMUM];
    size_t rule_count;
    struct heap held; /* of struct held, owned */
    struct faulty_net_counts counts;
};

/* What the rules say of one datagram. */
struct fate {
    bool is_gone;
    unsigned copies;
};

static void faulty_net_pass(struct faulty_net *faulty, enum fault_way way,
                            const struct net_address *peer, struct bytes datagram) {
    faulty->counts.passed++;
    if (way == FAULT_TO)
        faulty->options.net->datagram_send(faulty->options.net, peer, datagram);
    else
        faulty->options.deliver(faulty->options.context, peer, datagram);
}

static void faulty_net_hold(struct faulty_net *faulty, enum fault_way way,
                            const struct net_address *peer, struct bytes datagram,
                            uint64_t delay_us) {
    if (faulty->held.count == FAULTY_NET_HELD_MAXIMUM) {
        faulty->counts.overflowed++;
        return;
    }
    struct held *held = memory_allocate(sizeof *held + datagram.length);
    held->peer = *peer;
    held->way = way;
    held->length = datagram.length;
    memcpy(held->bytes, datagram.data, datagram.length);
    faulty->counts.delayed++;
    heap_push(&faulty->held, faulty->options.clock->monotonic_us(faulty->options.clock) + delay_us,
              held);
}

static struct fate fate_of(struct faulty_net *faulty, enum fault_way way,
                           const struct net_address *peer) {
    struct fate fate = {.copies = 1};
    for (size_t i = 0; i < faulty->rule_count && !fate.is_gone; i++) {
        const struct fault_rule *rule = &faulty->rules[i];
        if (!fault_rule_concerns(rule, way, peer))
            continue;
        if (rule->kind == FAULT_CUT && !(PLANTED(GOSSIP_CUT_LEAKS) && way == FAULT_FROM)) {
            faulty->counts.cut++;
            fate.is_gone = true;
        } else if (rule->kind == FAULT_LOSS && random_chance(&faulty->random, rule->share)) {
            faulty->counts.lost++;
            fate.is_gone = true;
        } else if (rule->kind == FAULT_DUPLICATE && random_chance(&faulty->random, rule->share)) {
            faulty->counts.duplicated++;
            fate.copies = 2;
        }
    }
    return fate;
}

/* By lot for each copy; delays of several rules add up. */
static uint64_t delay_of(struct faulty_net *faulty, enum fault_way way,
                         const struct net_address *peer) {
    uint64_t delay_us = 0;
    for (size_t i = 0; i < faulty->rule_count; i++) {
        const struct fault_rule *rule = &faulty->rules[i];
        if (rule->kind == FAULT_DELAY && fault_rule_concerns(rule, way, peer))
            delay_us += random_between(&faulty->random, rule->shortest_us, rule->longest_us);
    }
    return delay_us;
}

static void faulty_net_treat(struct faulty_net *faulty, enum fault_way way,
                             const struct net_address *peer, struct bytes datagram) {
    struct fate fate = fate_of(faulty, way, peer);
    if (fate.is_gone)
        return;
    for (unsigned copy = 0; copy < fate.copies; copy++) {
        uint64_t delay_us = delay_of(faulty, way, peer);
        if (delay_us > 0)
            faulty_net_hold(faulty, way, peer, datagram, delay_us);
        else
            faulty_net_pass(faulty, way, peer, datagram);
    }
}

void faulty_net_receive(struct faulty_net *faulty, const struct net_address *from,
                        struct bytes datagram) {
    faulty_net_treat(faulty, FAULT_FROM, from, datagram);
}

uint64_t faulty_net_deadline_us(const struct faulty_net *faulty) {
    uint64_t deadline_us;
    void *held;
    return heap_peek(&faulty->held, &deadline_us, &held) ? deadline_us : UINT64_MAX;
}

/* What was delayed before a cut is on its way already, and arrives. */
void faulty_net_tick(struct faulty_net *faulty) {
    uint64_t now_us = faulty->options.clock->monotonic_us(faulty->options.clock), due_us;
    while (faulty_net_deadline_us(faulty) <= now_us) {
        void *element = NULL;
        if (!heap_pop(&faulty->held, &due_us, &element))
            return;
        struct held *held = element;
        faulty_net_pass(faulty, held->way, &held->peer, bytes_of(held->bytes, held->length));
        memory_free(held);
    }
}

/* The door. */

static void door_datagram_send(struct net *net, const struct net_address *to,
                               struct bytes datagram) {
    faulty_net_treat((struct faulty_net *)net, FAULT_TO, to, datagram);
}

static void door_peer_set(struct net *net, uint32_t node_number,
                          const struct net_address *address) {
    struct net *below = ((struct faulty_net *)net)->options.net;
    below->peer_set(below, node_number, address);
}

static bool door_peer_send(struct net *net, uint32_t node_number, struct bytes message) {
    struct net *below = ((struct faulty_net *)net)->options.net;
    return below->peer_send(below, node_number, message);
}

static bool door_peer_link(struct net *net, uint32_t node_number, struct net_link *link) {
    struct net *below = ((struct faulty_net *)net)->options.net;
    return below->peer_link(below, node_number, link);
}

struct faulty_net *faulty_net_new(const struct faulty_net_options *options) {
    struct faulty_net *faulty = memory_allocate_zeroed(1, sizeof *faulty);
    faulty->door = (struct net){.peer_set = door_peer_set,
                                .peer_send = door_peer_send,
                                .peer_link = door_peer_link,
                                .datagram_send = door_datagram_send};
    faulty->options = *options;
    random_init(&faulty->random, options->seed);
    heap_init(&faulty->held);
    return faulty;
}

static void faulty_net_forget_rules(struct faulty_net *faulty) {
    for (size_t i = 0; i < faulty->rule_count; i++)
        fault_rule_release(&faulty->rules[i]);
    faulty->rule_count = 0;
}

void faulty_net_free(struct faulty_net *faulty) {
    uint64_t due_us;
    void *held;
    while (heap_pop(&faulty->held, &due_us, &held))
        memory_free(held);
    heap_release(&faulty->held);
    faulty_net_forget_rules(faulty);
    memory_free(faulty);
}

struct net *faulty_net_door(struct faulty_net *faulty) {
    return &faulty->door;
}

/* The rules. */

int faulty_net_set(struct faulty_net *faulty, const struct bytes *rules, size_t count,
                   char *problem) {
    if (count > FAULT_RULE_MAXIMUM) {
        memcpy(problem, "too many rules: at most 64", sizeof "too many rules: at most 64");
        return ERR_LIMIT;
    }
    struct fault_rule parsed[FAULT_RULE_MAXIMUM];
    for (size_t i = 0; i < count; i++) {
        int error = fault_rule_parse(&parsed[i], rules[i], problem);
        if (error) {
            while (i > 0)
                fault_rule_release(&parsed[--i]);
            return error;
        }
    }
    faulty_net_forget_rules(faulty);
    memcpy(faulty->rules, parsed, count * sizeof *parsed);
    faulty->rule_count = count;
    return 0;
}

const char *faulty_net_rule(const struct faulty_net *faulty, size_t position) {
    return position < faulty->rule_count ? faulty->rules[position].text : NULL;
}

bool faulty_net_is_cut(const struct faulty_net *faulty, const struct net_address *peer) {
    for (size_t i = 0; i < faulty->rule_count; i++)
        if (faulty->rules[i].kind == FAULT_CUT &&
            fault_rule_concerns(&faulty->rules[i], faulty->rules[i].way, peer))
            return true;
    return false;
}

void faulty_net_counts(const struct faulty_net *faulty, struct faulty_net_counts *out) {
    *out = faulty->counts;
}
