#include "sim/world/stream.h"
#include "base/check.h"
#include "sim/world/echo.h"

enum {
    STREAM_LEAST_BACK_OFF_US = 20000,
    STREAM_MOST_BACK_OFF_US = 500000,
    STREAM_POLL_US = 20000, /* how often a stalled stream looks whether the way is open again */
    STREAM_MOST_PATIENCE_US = 2000000
};

static event_run stream_connect_event, stream_deliver_event, stream_lost_event;

void stream_init(struct stream *stream, struct stream_world *world, unsigned from,
                 unsigned from_thread, unsigned to) {
    *stream = (struct stream){.world = world, .from = from, .from_thread = from_thread, .to = to};
    fifo_init(&stream->under_way);
    fifo_init(&stream->heard);
}

static void stream_schedule(struct stream *stream, uint64_t at_us, event_run *run) {
    event_schedule(stream->world->queue, at_us, run, stream)->life = stream->life;
}

static void stream_try_later(struct stream *stream, uint64_t delay_us) {
    if (stream->is_connecting || stream->number == 0)
        return;
    stream->is_connecting = true;
    stream_schedule(stream, stream->world->queue->now_us + delay_us, stream_connect_event);
}

void stream_open(struct stream *stream, uint32_t number) {
    if (stream->number == number)
        return;
    stream->number = number;
    stream->back_off_us = 0;
    if (!stream->is_connected)
        stream_try_later(stream, stream_world_delay_us(stream->world));
}

static void stream_connect_event(struct event *event) {
    struct stream *stream = event->context;
    struct stream_world *world = stream->world;
    if (event->life != stream->life)
        return;
    stream->is_connecting = false;
    bool is_open = world->owner.is_up(world->owner.context, stream->to) &&
                   !world->is_cut(world->context, stream->from, stream->to) &&
                   !world->is_cut(world->context, stream->to, stream->from);
    if (is_open) {
        stream->is_connected = true;
        stream->back_off_us = 0;
        stream->to_thread = world->owner.accept(world->owner.context, stream->to);
        return;
    }
    stream->back_off_us = stream->back_off_us ? stream->back_off_us * 2 : STREAM_LEAST_BACK_OFF_US;
    if (stream->back_off_us > STREAM_MOST_BACK_OFF_US)
        stream->back_off_us = STREAM_MOST_BACK_OFF_US;
    stream_try_later(stream, stream->back_off_us);
}

bool stream_send(struct stream *stream, struct bytes message) {
    struct stream_world *world = stream->world;
    if (!stream->is_connected || stream->under_way.count >= SIM_STREAM_QUEUE_MAXIMUM)
        return false;
    uint64_t sent_us = world->owner.now_us(world->owner.context, stream->from, stream->from_thread);
    uint64_t at_us = sent_us + stream_world_delay_us(world);
    if (at_us < stream->last_at_us)
        at_us = stream->last_at_us;
    stream->last_at_us = at_us;
    buffer_clear(&world->sealed);
    if (world->owner.seal)
        world->owner.seal(world->owner.context, stream->from, message, &world->sealed);
    fifo_push_packet(&stream->under_way, packet_new(message, buffer_bytes(&world->sealed)));
    stream_schedule(stream, at_us, stream_deliver_event);
    return true;
}

/* The way is cut: wait for it, or give up. True: wait. */
static bool stream_waits(struct stream *stream) {
    uint64_t now_us = stream->world->queue->now_us;
    if (stream->stalled_since_us == 0) {
        stream->stalled_since_us = now_us;
        stream->patience_us = random_below(stream->world->random, STREAM_MOST_PATIENCE_US);
    }
    return now_us - stream->stalled_since_us < stream->patience_us;
}

/* Each delivery takes the oldest message, so that the order holds whatever delays the event itself.
 */
static void stream_deliver_event(struct event *event) {
    struct stream *stream = event->context;
    struct stream_world *world = stream->world;
    struct sim_net_owner *owner = &world->owner;
    if (event->life != stream->life)
        return;
    if (!owner->is_up(owner->context, stream->to)) {
        stream_break(stream);
        return;
    }
    if (world->is_cut(world->context, stream->from, stream->to)) {
        if (stream_waits(stream))
            event_again(world->queue, event, world->queue->now_us + STREAM_POLL_US);
        else
            stream_break(stream);
        return;
    }
    uint64_t again_us;
    if (!owner->is_ready(owner->context, stream->to, stream->to_thread, &again_us)) {
        event_again(world->queue, event, again_us);
        return;
    }
    stream->stalled_since_us = 0;
    struct packet *packet = fifo_pop(&stream->under_way);
    CHECK(packet != NULL);
    trace_event(world->trace, "message", stream->from, stream->to, packet_bytes(packet));
    bool is_accepted =
        owner->message(owner->context, &(struct sim_message){.from = stream->from,
                                                             .to = stream->to,
                                                             .to_thread = stream->to_thread,
                                                             .bytes = packet_bytes(packet),
                                                             .sealed = packet_sealed(packet)});
    echo_keep(&stream->heard, packet);
    if (!is_accepted)
        stream_break(stream);
}

static void stream_reset(struct stream *stream) {
    if (stream->is_connected)
        echo_begin(stream->world, &(struct echo_way){stream->from, stream->to, stream->to_thread},
                   &stream->heard, &stream->under_way);
    fifo_clear(&stream->heard);
    stream->life++;
    stream->is_connected = stream->is_connecting = false;
    stream->stalled_since_us = stream->last_at_us = 0;
    fifo_clear(&stream->under_way);
}

void stream_break(struct stream *stream) {
    if (!stream->is_connected)
        return;
    stream_reset(stream);
    trace_event(stream->world->trace, "broken", stream->from, stream->to, BYTES_NONE);
    stream_schedule(stream, stream->world->queue->now_us + stream_world_delay_us(stream->world),
                    stream_lost_event);
}

static void stream_lost_event(struct event *event) {
    struct stream *stream = event->context;
    struct sim_net_owner *owner = &stream->world->owner;
    if (event->life != stream->life)
        return;
    uint64_t again_us;
    if (!owner->is_ready(owner->context, stream->from, stream->from_thread, &again_us)) {
        event_again(stream->world->queue, event, again_us);
        return;
    }
    stream_try_later(stream, stream_world_delay_us(stream->world));
    owner->lost(owner->context, stream->from, stream->from_thread, stream->number);
}

void stream_close(struct stream *stream) {
    stream_reset(stream);
    stream->number = 0;
}
