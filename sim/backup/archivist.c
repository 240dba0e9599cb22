#include "sim/backup/archivist.h"
#include "base/memory.h"
#include "sim/check/past.h"
#include "sim/cluster/node.h"
#include "sim/life/connection.h"
#include "wire/request.h"
#include <stdio.h>

enum { ARCHIVIST_PAUSE_MOST_US = 3000000, ARCHIVIST_LINE_BYTES = 160 };

/* What was told last of a shard, by who leads it. */
struct told {
    unsigned long long applied, archived, snapshot, hurry;
    int has_failed;
    unsigned recovery_count; /* of the shard, by then */
};

struct archivist {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
    bool is_asked[SIM_NODE_MAXIMUM]; /* and has not answered */
    bool is_hurrying;
    struct told *told; /* by shard */
    struct archive_promise promises[ARCHIVIST_PROMISE_MAXIMUM];
    size_t promise_count;
};

static event_run ask_event;

/* ---- what they say ---- */

/* Each of all that are made has the same chance to be one of those that are kept. The control
 * shard's are none: a restore takes the topology that it finds. */
static void note_promise(struct archivist *archivist, uint32_t shard, uint64_t index) {
    struct archive_promise promise = {.shard = shard,
                                      .index = index,
                                      .recovery_count =
                                          past_recovery_count(archivist->simulation, shard)};
    if (shard == 0)
        return;
    uint64_t seen = ++archivist->simulation->statistics.moments_promised;
    if (seen <= ARCHIVIST_PROMISE_MAXIMUM) {
        archivist->promises[archivist->promise_count++] = promise;
        return;
    }
    uint64_t lot = random_below(&archivist->simulation->random, seen);
    if (lot < ARCHIVIST_PROMISE_MAXIMUM)
        archivist->promises[lot] = promise;
}

static void note_line(struct archivist *archivist, const char *line) {
    struct told told = {0};
    unsigned shard;
    if (sscanf(line, "%u %llu %llu %llu %llu %d", &shard, &told.applied, &told.archived,
               &told.snapshot, &told.hurry, &told.has_failed) != 6 ||
        shard > archivist->simulation->shard_count) {
        simulation_fail(archivist->simulation, "a node says of its backups: \"%s\"", line);
        return;
    }
    told.recovery_count = past_recovery_count(archivist->simulation, shard);
    if (told.archived > archivist->told[shard].archived ||
        told.recovery_count > archivist->told[shard].recovery_count)
        note_promise(archivist, shard, told.archived);
    archivist->told[shard] = told;
}

/* One that makes no backups just now, or cannot ask its threads, says so. */
static void archivist_reply(void *context, unsigned node, const struct response *response) {
    struct archivist *archivist = context;
    struct bytes left = response->text;
    archivist->is_asked[node] = false;
    if (response->kind == RESPONSE_ERROR) {
        trace_line(&archivist->simulation->trace, "archivist: node %u refuses: %.*s", node + 1,
                   BYTES_PRINT(left));
        return;
    }
    while (left.length) {
        char line[ARCHIVIST_LINE_BYTES];
        struct bytes taken = bytes_take_until(&left, '\n'); /* the macro names it twice */
        snprintf(line, sizeof line, "%.*s", BYTES_PRINT(taken));
        note_line(archivist, line);
    }
}

static void archivist_lost(void *context, unsigned node, enum connection_loss loss) {
    (void)loss;
    ((struct archivist *)context)->is_asked[node] = false;
}

/* ---- asking ---- */

static void ask(struct archivist *archivist, unsigned node, bool is_now) {
    struct buffer request;
    if (archivist->is_asked[node] || !sim_node_is_alive(archivist->simulation->nodes[node]))
        return;
    archivist->is_asked[node] = true;
    buffer_init(&request, 256);
    request_encode(&request,
                   (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("BACKUP"),
                                          BYTES_LITERAL("NOW")},
                   is_now ? 3 : 2);
    connection_send(&archivist->connections[node], buffer_bytes(&request));
    buffer_release(&request);
}

static void ask_later(struct archivist *archivist) {
    struct simulation *simulation = archivist->simulation;
    uint64_t at_us = simulation->queue.now_us +
                     random_between(&simulation->random, 1000, ARCHIVIST_PAUSE_MOST_US);
    event_schedule(&simulation->queue, at_us, ask_event, archivist);
}

/* Now and then somebody wants a backup at once. */
static void ask_event(struct event *event) {
    struct archivist *archivist = event->context;
    struct random *random = &archivist->simulation->random;
    if (archivist->simulation->phase != PHASE_FAULTS)
        return;
    ask(archivist, (unsigned)random_below(random, archivist->simulation->node_count),
        random_chance(random, 0.1));
    ask_later(archivist);
}

void archivist_start(struct archivist *archivist) { ask_later(archivist); }

/* ---- all there is ---- */

static bool is_archived(const struct told *told) {
    return told->hurry > 0 && told->archived >= told->hurry && told->snapshot >= told->hurry;
}

/* What was told before is of no use: a leader of now may not have been asked. */
static void begin_hurrying(struct archivist *archivist) {
    for (uint32_t shard = 0; shard <= archivist->simulation->shard_count; shard++)
        archivist->told[shard].hurry = 0;
    archivist->is_hurrying = true;
}

bool archivist_has_all_archived(struct archivist *archivist) {
    const struct simulation *simulation = archivist->simulation;
    bool are_all_asked = true, are_all_archived = true;
    if (!archivist->is_hurrying)
        begin_hurrying(archivist);
    for (uint32_t shard = 0; shard <= simulation->shard_count; shard++) {
        are_all_asked = are_all_asked && archivist->told[shard].hurry > 0;
        are_all_archived = are_all_archived && is_archived(&archivist->told[shard]);
    }
    for (unsigned node = 0; node < simulation->node_count && !are_all_archived; node++)
        ask(archivist, node, !are_all_asked);
    return are_all_archived;
}

uint64_t archivist_archived(const struct archivist *archivist, uint32_t shard) {
    return archivist->told[shard].hurry;
}

void archivist_describe(const struct archivist *archivist, struct buffer *out) {
    for (uint32_t shard = 0; shard <= archivist->simulation->shard_count; shard++) {
        const struct told *told = &archivist->told[shard];
        if (!is_archived(told))
            buffer_append_format(out,
                                 " shard %u is applied to %llu, archived to %llu, its snapshot is "
                                 "at %llu, wanted was %llu%s;",
                                 shard, told->applied, told->archived, told->snapshot, told->hurry,
                                 told->has_failed ? " (the last attempt failed)" : "");
    }
}

/* ---- the whole ---- */

const struct archive_promise *archivist_promises(const struct archivist *archivist, size_t *count) {
    *count = archivist->promise_count;
    return archivist->promises;
}

struct archivist *archivist_new(struct simulation *simulation) {
    struct archivist *archivist = memory_allocate_zeroed(1, sizeof *archivist);
    archivist->simulation = simulation;
    archivist->told = memory_allocate_zeroed(simulation->shard_count + 1, sizeof *archivist->told);
    struct connection_user user = {
        .reply = archivist_reply, .lost = archivist_lost, .context = archivist};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&archivist->connections[node], simulation, node, &user);
    return archivist;
}

void archivist_free(struct archivist *archivist) {
    if (archivist == NULL)
        return;
    for (unsigned node = 0; node < archivist->simulation->node_count; node++)
        connection_release(&archivist->connections[node]);
    memory_free(archivist->told);
    memory_free(archivist);
}
