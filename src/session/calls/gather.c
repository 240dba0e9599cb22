/* One command, every shard that this node leads: DBSIZE, KEYS, SCAN, RANDOMKEY, FLUSHALL. As with a
 * Redis Cluster node, the answer is this node's part; tools ask every node and add up. */
#include "session/calls/gather.h"

#include <assert.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "base/text/number.h"
#include "command/scan_options.h"
#include "session/calls/calls.h"
#include "session/calls/wait.h"
#include "session/client/session.h"
#include "session/client/target.h"
#include "wire/response.h"
#include "worker/leaders.h"
#include "worker/observe.h"
#include "worker/worker.h"

enum gather_kind { GATHER_SUM, GATHER_CONCATENATE, GATHER_FIRST, GATHER_OK, GATHER_SCAN };

/* SCAN's cursor over shards: | within the shard, keyspace_scan.h: 50 | the shard's number 11 |. The
 * number stands below, so that no cursor is large without need: some clients keep it in a double,
 * which is exact up to 53 bits. */
enum { SCAN_SHARD_BITS = 11, SCAN_SHARD_MASK = (1 << SCAN_SHARD_BITS) - 1 };
static_assert((int)TOPOLOGY_SHARD_MAXIMUM <= (int)SCAN_SHARD_MASK,
              "a cursor has room for every shard");

struct gather {
    struct target target;
    struct list link; /* worker->sessions->gathers */
    struct session *session;
    uint64_t ticket;
    enum gather_kind kind;
    unsigned waiting; /* answers to come */
    uint8_t protocol;
    int64_t sum;
    uint64_t element_count;
    uint32_t scan_shard, scan_next_shard;
    bool is_failed;
    enum shard_outcome outcome;
    struct shard_answer last; /* of the answers: who was slow is known by it */
    struct buffer body;       /* elements, or the error */
};

static enum gather_kind kind_of(const struct command *command) {
    if (strcmp(command->name, "dbsize") == 0)
        return GATHER_SUM;
    if (strcmp(command->name, "keys") == 0)
        return GATHER_CONCATENATE;
    if (strcmp(command->name, "randomkey") == 0)
        return GATHER_FIRST;
    if (strcmp(command->name, "scan") == 0)
        return GATHER_SCAN;
    return GATHER_OK;
}

static void gather_free(struct gather *gather) {
    list_remove(&gather->link);
    buffer_release(&gather->body);
    memory_free(gather);
}

void gather_free_all(struct worker *worker) {
    LIST_EACH (&worker->sessions->gathers, link)
        gather_free(LIST_ELEMENT(link, struct gather, link));
}

/* ---- the answer ---- */

static void write_scan(struct gather *gather, struct reply *reply, uint64_t inner) {
    uint64_t cursor = 0;
    if (inner)
        cursor = inner << SCAN_SHARD_BITS | gather->scan_shard;
    else
        cursor = gather->scan_next_shard;
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)cursor);
    reply_array(reply, 2);
    reply_bulk_text(reply, text);
}

static void write_answer(struct gather *gather, struct reply *reply) {
    switch (gather->kind) {
    case GATHER_SUM:
        reply_integer(reply, gather->sum);
        break;
    case GATHER_CONCATENATE:
        reply_array(reply, gather->element_count);
        break;
    case GATHER_FIRST:
        if (gather->body.length == 0)
            reply_null(reply);
        break;
    case GATHER_OK:
        reply_ok(reply);
        break;
    case GATHER_SCAN:
        write_scan(gather, reply, (uint64_t)gather->sum);
        if (gather->body.length == 0)
            reply_array(reply, 0);
        break;
    }
    buffer_append_bytes(reply->out, buffer_bytes(&gather->body));
}

static void finish(struct gather *gather) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    struct reply reply = {.out = &out, .protocol = gather->protocol};
    struct session *session = gather->session;
    struct worker *worker = session->worker;
    uint64_t ticket = gather->ticket;
    enum shard_outcome outcome = gather->is_failed ? gather->outcome : SHARD_DONE;
    struct shard_answer last = gather->last;
    if (gather->is_failed)
        buffer_append_bytes(&out, buffer_bytes(&gather->body));
    else
        write_answer(gather, &reply);
    gather_free(gather);
    worker->sessions->answering = &last;
    session_deliver(session, ticket, outcome, buffer_bytes(&out));
    worker->sessions->answering = NULL;
    buffer_release(&out);
}

/* The bytes behind an array's head. */
static struct bytes elements_of(struct bytes reply) {
    const uint8_t *end = memchr(reply.data, '\n', reply.length);
    CHECK(end != NULL);
    return bytes_of(end + 1, reply.length - (size_t)(end + 1 - reply.data));
}

static void add_scan(struct gather *gather, const struct response *response, struct bytes reply) {
    int64_t inner;
    bool is_number = number_parse_i64(response->elements[0].text, &inner);
    CHECK(is_number);
    gather->sum = inner;
    /* "*2\r\n$n\r\ncursor\r\n" and then the array of keys as it is. */
    const struct bytes cursor = response->elements[0].text;
    size_t skip = (size_t)(cursor.data + cursor.length + 2 - reply.data);
    buffer_append(&gather->body, reply.data + skip, reply.length - skip);
}

static void add_answer(struct gather *gather, struct bytes reply) {
    struct response response;
    size_t consumed;
    int status = response_parse(reply, &response, &consumed);
    CHECK(status == 1);
    if (response.kind == RESPONSE_ERROR) {
        gather->is_failed = true;
        gather->outcome = SHARD_DONE;
        buffer_clear(&gather->body);
        buffer_append_bytes(&gather->body, reply);
    } else {
        switch (gather->kind) {
        case GATHER_SUM:
            gather->sum += response.integer;
            break;
        case GATHER_CONCATENATE:
            gather->element_count += response.element_count;
            buffer_append_bytes(&gather->body, elements_of(reply));
            break;
        case GATHER_FIRST:
            if (response.kind != RESPONSE_NULL && gather->body.length == 0)
                buffer_append_bytes(&gather->body, reply);
            break;
        case GATHER_OK:
            break;
        case GATHER_SCAN:
            add_scan(gather, &response, reply);
            break;
        }
    }
    response_release(&response);
}

/* Of a write whose parts ended in different ways, the part of which nobody knows counts most: who
 * hears that it was refused takes it that nothing comes of it any more. */
static void deliver(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes reply) {
    (void)ticket;
    struct gather *gather = (struct gather *)target;
    if (worker->sessions->answering)
        gather->last = *worker->sessions->answering;
    gather->last.reply = NULL;
    if (outcome == SHARD_UNKNOWN || (outcome != SHARD_DONE && !gather->is_failed)) {
        gather->is_failed = true;
        gather->outcome = outcome;
    } else if (!gather->is_failed) {
        add_answer(gather, reply);
    }
    if (--gather->waiting == 0)
        finish(gather);
}

/* ---- the asking ---- */

static struct gather *gather_new(struct session *session, enum gather_kind kind, unsigned flags) {
    struct gather *gather = memory_allocate_zeroed(1, sizeof *gather);
    gather->target.deliver = deliver;
    gather->session = session;
    gather->kind = kind;
    gather->protocol = (uint8_t)session->protocol;
    buffer_init(&gather->body, SIZE_MAX);
    list_append(&session->worker->sessions->gathers, &gather->link);
    gather->ticket = session_expect(session, 0, 0);
    if (kind != GATHER_OK && !(flags & CALL_THROUGH_LOG))
        session_expect_read(session);
    return gather;
}

static void ask(struct gather *gather, uint32_t shard, const struct command *command,
                const struct bytes *arguments, size_t count, unsigned flags) {
    struct worker *worker = gather->session->worker;
    struct shard_call call = {.arguments = arguments,
                              .argument_count = count,
                              .target = &gather->target,
                              .protocol = gather->protocol,
                              .flags = flags};
    if (command->flags & COMMAND_WRITE) {
        wait_note_write(gather->session, shard);
        call.flags |= CALL_THROUGH_LOG;
    }
    if (calls_send(worker, shard, &call) == ROUTE_BUSY)
        deliver(worker, &gather->target, 0, SHARD_NOT_EXECUTED, BYTES_NONE);
}

/* The first data shard from that one on; 0: none. */
static uint32_t led_from(const struct worker *worker, uint32_t shard) {
    for (shard += shard == 0; worker->topology && shard < worker->topology->shard_count; shard++)
        if (leaders_is_here(worker, shard))
            return shard;
    return 0;
}

/* The words of a command are right or wrong whether a shard is led here or not: an empty keyspace
 * answers for none. */
static enum route_result answer_of_nothing(struct session *session, const struct command *command,
                                           const struct bytes *arguments, size_t count) {
    struct reply reply = session_begin_reply(session);
    struct keyspace *nothing = keyspace_new(0);
    command->run(&(struct command_context){
        .keyspace = nothing, .arguments = arguments, .argument_count = count, .reply = &reply});
    keyspace_free(nothing);
    if (reply_is_error(buffer_bytes(reply.out)))
        observe_command_error(session->worker, command, true);
    session_reply_now(session, buffer_bytes(reply.out));
    return ROUTE_DONE;
}

static enum route_result ask_every(struct session *session, const struct command *command,
                                   const struct bytes *arguments, size_t count, unsigned flags) {
    struct worker *worker = session->worker;
    struct gather *gather = gather_new(session, kind_of(command), flags);
    gather->waiting = 1; /* held until everybody is asked: answers may come within the calls */
    for (uint32_t shard = led_from(worker, 1); shard; shard = led_from(worker, shard + 1)) {
        gather->waiting++;
        ask(gather, shard, command, arguments, count, flags);
        if (PLANTED(GATHER_ASKS_ONE) || (PLANTED(FLUSH_OF_ONE_SHARD) && gather->kind == GATHER_OK))
            break;
    }
    if (--gather->waiting == 0)
        finish(gather);
    return ROUTE_DONE;
}

/* One shard after the other, told apart in the cursor. */
static enum route_result ask_scan(struct session *session, const struct command *command,
                                  const struct bytes *arguments, size_t count, unsigned flags) {
    struct worker *worker = session->worker;
    uint64_t cursor;
    if (!scan_cursor_read(arguments[1], &cursor))
        return answer_of_nothing(session, command, arguments, count);
    uint32_t asked = (uint32_t)(cursor & SCAN_SHARD_MASK), shard = led_from(worker, asked);
    if (!shard)
        return answer_of_nothing(session, command, arguments, count);
    struct gather *gather = gather_new(session, GATHER_SCAN, flags);
    gather->waiting = 1;
    gather->scan_shard = shard;
    gather->scan_next_shard = led_from(worker, gather->scan_shard + 1);
    char inner[24];
    unsigned long long within = gather->scan_shard == asked ? cursor >> SCAN_SHARD_BITS : 0;
    snprintf(inner, sizeof inner, "%llu", within);
    struct bytes *asking = memory_copy(arguments, count * sizeof *arguments);
    asking[1] = bytes_of_text(inner);
    ask(gather, gather->scan_shard, command, asking, count, flags);
    memory_free(asking);
    return ROUTE_DONE;
}

static enum route_result ask_one(struct session *session, const struct command *command,
                                 const struct bytes *arguments, size_t count, unsigned flags) {
    struct worker *worker = session->worker;
    uint32_t start = 1;
    if (worker->topology && worker->topology->shard_count > 1)
        start = 1 + (uint32_t)random_below(&worker->random, worker->topology->shard_count - 1);
    /* By lot where to begin; empty shards pass the question on, because all are asked and the first
     * answer counts. */
    struct gather *gather = gather_new(session, GATHER_FIRST, flags);
    gather->waiting = 1;
    for (unsigned pass = 0; pass < 2; pass++) {
        uint32_t from = pass == 0 ? start : 1;
        for (uint32_t shard = led_from(worker, from); shard && (pass == 0 || shard < start);
             shard = led_from(worker, shard + 1)) {
            gather->waiting++;
            ask(gather, shard, command, arguments, count, flags);
        }
    }
    if (--gather->waiting == 0)
        finish(gather);
    return ROUTE_DONE;
}

enum route_result gather_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count) {
    unsigned flags;
    if (!session_order(session, command, &flags))
        return ROUTE_BUSY;
    if (!led_from(session->worker, 1))
        return answer_of_nothing(session, command, arguments, count);
    switch (kind_of(command)) {
    case GATHER_SCAN:
        return ask_scan(session, command, arguments, count, flags);
    case GATHER_FIRST:
        return ask_one(session, command, arguments, count, flags);
    case GATHER_SUM:
    case GATHER_CONCATENATE:
    case GATHER_OK:
        return ask_every(session, command, arguments, count, flags);
    }
    UNREACHABLE();
}
