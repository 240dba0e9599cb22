#include "sim/world/echo.h"
#include "base/memory.h"

enum { ECHO_SOON_MOST_US = 3000, ECHO_DELAY_MOST_US = 1500000, ECHO_GAP_MOST_US = 1000 };
static const double ECHO_PART_CHANCE = 0.5;

struct echo {
    struct echo_way way;
    uint64_t life; /* of the receiver */
    size_t length, sealed_length;
    uint8_t data[]; /* as in a packet */
};

static event_run echo_event;

void echo_keep(struct fifo *heard, struct packet *packet) {
    fifo_push_packet(heard, packet);
    if (heard->count > ECHO_HEARD_MAXIMUM)
        memory_free(fifo_pop(heard));
}

static void echo_later(struct stream_world *world, const struct echo_way *way,
                       const struct packet *packet, uint64_t at_us) {
    size_t bytes = packet->length + packet->sealed_length;
    struct echo *echo = memory_allocate(sizeof *echo + bytes);
    echo->way = *way;
    echo->life = world->lives[way->to];
    echo->length = packet->length;
    echo->sealed_length = packet->sealed_length;
    memcpy(echo->data, packet->data, bytes);
    event_schedule(world->queue, at_us, echo_event, world)->object = echo;
}

void echo_begin(struct stream_world *world, const struct echo_way *way, const struct fifo *heard,
                const struct fifo *under_way) {
    if (!world->owner.is_up(world->owner.context, way->to) ||
        !random_chance(world->random, world->echo))
        return;
    bool is_soon = random_chance(world->random, 0.5);
    uint64_t at_us = world->queue->now_us +
                     random_below(world->random, is_soon ? ECHO_SOON_MOST_US : ECHO_DELAY_MOST_US);
    uint64_t left = heard->count + under_way->count;
    if (random_chance(world->random, ECHO_PART_CHANCE))
        left = random_below(world->random, left + 1);
    const struct packet *const firsts[] = {heard->first, under_way->first};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        for (const struct packet *packet = firsts[i]; packet && left > 0; left--) {
            echo_later(world, way, packet, at_us);
            at_us += random_below(world->random, ECHO_GAP_MOST_US);
            packet = packet->next;
        }
}

static void echo_event(struct event *event) {
    struct stream_world *world = event->context;
    const struct echo *echo = event->object;
    const struct echo_way *way = &echo->way;
    struct sim_net_owner *owner = &world->owner;
    uint64_t again_us;
    if (echo->life != world->lives[way->to] || !owner->is_up(owner->context, way->to) ||
        world->is_cut(world->context, way->from, way->to))
        return;
    if (!owner->is_ready(owner->context, way->to, way->to_thread, &again_us)) {
        event_again(world->queue, event, again_us);
        return;
    }
    struct bytes bytes = bytes_of(echo->data, echo->length);
    trace_event(world->trace, "echo", way->from, way->to, bytes);
    owner->message(
        owner->context,
        &(struct sim_message){.from = way->from,
                              .to = way->to,
                              .to_thread = way->to_thread,
                              .bytes = bytes,
                              .sealed = bytes_of(echo->data + echo->length, echo->sealed_length)});
}
