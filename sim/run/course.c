#include "sim/run/course.h"
#include "sim/workload/client.h"
#include "sim/workload/workload.h"

enum { COURSE_READS_LIMIT_US = 20000000, COURSE_EVENTS_AT_ONE_TIME_MAXIMUM = 200000 };

/* ---- time ---- */

void course_until(struct simulation *simulation, uint64_t until_us) {
    uint64_t at_us = simulation->queue.now_us;
    unsigned at_one_time = 0;
    while (!simulation_has_failed(simulation) && event_queue_step(&simulation->queue, until_us)) {
        at_one_time = simulation->queue.now_us == at_us ? at_one_time + 1 : 0;
        at_us = simulation->queue.now_us;
        if (at_one_time > COURSE_EVENTS_AT_ONE_TIME_MAXIMUM)
            simulation_fail(simulation, "time stands still: events without end at one moment");
    }
    if (simulation->queue.now_us < until_us && !simulation_has_failed(simulation))
        simulation->queue.now_us = until_us;
}

bool course_until_reached(struct simulation *simulation, uint64_t limit_us,
                          bool (*is_reached)(struct simulation *simulation, void *context),
                          void *context) {
    uint64_t end_us = simulation->queue.now_us + limit_us;
    while (!simulation_has_failed(simulation) && simulation->queue.now_us < end_us) {
        if (is_reached(simulation, context))
            return true;
        course_until(simulation, simulation->queue.now_us + COURSE_POLL_US);
    }
    return !simulation_has_failed(simulation) && is_reached(simulation, context);
}

/* ---- reading ---- */

static bool every_client_idle(struct simulation *simulation, void *context) {
    (void)context;
    for (unsigned i = 0; i < simulation->client_count; i++)
        if (!client_is_idle(simulation->clients[i]))
            return false;
    return true;
}

struct done_awaited {
    const struct client *client;
    uint64_t before;
};

static bool is_client_answered(struct simulation *simulation, void *context) {
    const struct done_awaited *awaited = context;
    (void)simulation;
    return client_done_count(awaited->client) > awaited->before;
}

static void read_key(struct simulation *simulation, struct client *client,
                     const struct operation *operation) {
    struct done_awaited awaited = {.client = client, .before = client_done_count(client)};
    client_read_until_answered(client, operation);
    if (!course_until_reached(simulation, COURSE_READS_LIMIT_US, is_client_answered, &awaited))
        simulation_fail(simulation, "no progress: a key could not be read at the end");
}

void course_read_everything(struct simulation *simulation) {
    for (unsigned i = 0; i < simulation->client_count; i++)
        client_stop(simulation->clients[i]);
    course_until_reached(simulation, COURSE_READS_LIMIT_US, every_client_idle, NULL);
    for (unsigned place = 0; place < WORKLOAD_PLACE_COUNT && !simulation_has_failed(simulation);
         place++) {
        struct operation operation = workload_whole_read(place);
        read_key(simulation, simulation->clients[place % simulation->client_count], &operation);
    }
}
