/* WAIT and WAITAOF: a client asks that what it wrote on this connection be safe, and hears how safe
 * it is. The shards that it wrote to are asked (shard/wait.c); the least of their answers counts. A
 * shard that this node no longer leads counts as kept nowhere: nobody here knows. */
#include "session/calls/wait.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "session/calls/calls.h"
#include "session/client/session.h"
#include "session/client/session_command.h"
#include "session/client/target.h"
#include "wire/response.h"
#include "worker/leaders.h"
#include "worker/worker.h"

enum { WAIT_ARGUMENTS = 3 /* of a shard, as with CALL_WAIT (route.h) */ };

struct wait_call {
    struct target target;
    struct list link;        /* worker->sessions->waits */
    struct session *session; /* NULL: it was answered, or is gone; shards still have to answer */
    uint64_t ticket;
    unsigned waiting; /* answers to come */
    bool is_aof;
    int64_t local, replicas; /* the least so far; negative: none came */
};

void wait_note_write(struct session *session, uint32_t shard) {
    session->written[shard / 64] |= (uint64_t)1 << shard % 64;
}

static void wait_free(struct wait_call *call) {
    list_remove(&call->link);
    memory_free(call);
}

void wait_free_all(struct worker *worker) {
    LIST_EACH (&worker->sessions->waits, link)
        wait_free(LIST_ELEMENT(link, struct wait_call, link));
}

static void least(int64_t *so_far, int64_t value) {
    *so_far = *so_far < 0 || value < *so_far ? value : *so_far;
}

static void reply_to(struct wait_call *call, int64_t local, int64_t replicas) {
    struct session *session = call->session;
    struct buffer out;
    buffer_init(&out, 128);
    struct reply reply = {.out = &out, .protocol = session->protocol};
    if (call->is_aof) {
        reply_array(&reply, 2);
        reply_integer(&reply, local);
    }
    reply_integer(&reply, replicas);
    call->session = NULL;
    session_deliver(session, call->ticket, SHARD_DONE, buffer_bytes(&out));
    buffer_release(&out);
}

static void finish(struct wait_call *call) {
    if (call->session) {
        int64_t local = call->local < 0 ? 0 : call->local;
        reply_to(call, local, call->replicas < 0 ? 0 : call->replicas);
    }
    wait_free(call);
}

static void deliver(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes answer) {
    (void)worker;
    (void)ticket;
    struct wait_call *call = (struct wait_call *)target;
    if (outcome == SHARD_DONE) {
        struct response response;
        size_t consumed;
        int status = response_parse(answer, &response, &consumed);
        CHECK(status == 1);
        CHECK(response.element_count == 2);
        least(&call->local, response.elements[0].integer);
        least(&call->replicas, response.elements[1].integer);
        response_release(&response);
    } else {
        call->local = call->replicas = 0;
    }
    if (--call->waiting == 0)
        finish(call);
}

/* ---- nobody is there to hear it ---- */

/* A shard may take an hour to answer. So long nothing is kept of who is gone. */
void wait_forget(struct session *session) {
    LIST_EACH (&session->worker->sessions->waits, link) {
        struct wait_call *call = LIST_ELEMENT(link, struct wait_call, link);
        if (call->session == session) {
            call->session = NULL;
            session->unready_count--;
            session->unready_read_count--;
        }
    }
}

/* Who sends no more may have gone away and not say so until it is written to. As long as a write
 * may take it is waited for all the same. */
void wait_end_late(struct worker *worker, uint64_t now_us) {
    uint64_t limit_us = (uint64_t)worker->config.write_timeout_ms * 1000;
    LIST_EACH (&worker->sessions->waits, link) {
        struct wait_call *call = LIST_ELEMENT(link, struct wait_call, link);
        const struct session *session = call->session;
        if (session && session->is_closing && now_us >= session->closing_us + limit_us)
            reply_to(call, 0, 0);
    }
}

/* ---- asking ---- */

static bool has_written(const struct session *session) {
    for (size_t i = 0; i < sizeof session->written / sizeof session->written[0]; i++)
        if (session->written[i])
            return true;
    return false;
}

/* Who wrote nothing hears of the shards that are led here. */
static bool is_asked(const struct session *session, uint32_t shard, bool is_writer) {
    return is_writer ? session->written[shard / 64] >> shard % 64 & 1
                     : leaders_is_here(session->worker, shard);
}

static void ask_shards(struct wait_call *wait, const struct bytes arguments[WAIT_ARGUMENTS]) {
    struct worker *worker = wait->session->worker;
    const struct shard_call call = {.arguments = arguments,
                                    .argument_count = WAIT_ARGUMENTS,
                                    .target = &wait->target,
                                    .protocol = 2,
                                    .flags = CALL_WAIT};
    bool is_writer = has_written(wait->session);
    for (uint32_t shard = 1; worker->topology && shard < worker->topology->shard_count; shard++) {
        if (!is_asked(wait->session, shard, is_writer))
            continue;
        wait->waiting++;
        if (calls_send(worker, shard, &call) == ROUTE_BUSY)
            deliver(worker, &wait->target, 0, SHARD_NOT_EXECUTED, BYTES_NONE);
    }
}

static bool parse(struct session_command *call, bool is_aof,
                  struct bytes arguments[WAIT_ARGUMENTS]) {
    int64_t local = 0, replicas, timeout_ms;
    size_t at = is_aof ? 2 : 1;
    if ((is_aof && !number_parse_i64(call->arguments[1], &local)) ||
        !number_parse_i64(call->arguments[at], &replicas)) {
        reply_error(call->reply, REPLY_NOT_INTEGER);
    } else if (is_aof && (local < 0 || local > 1)) {
        reply_error(call->reply, "ERR value is out of range, must be between 0 and 1");
    } else if (is_aof && replicas < 0) {
        reply_error(call->reply, "ERR value is out of range, must be positive");
    } else if (!number_parse_i64(call->arguments[at + 1], &timeout_ms)) {
        reply_error(call->reply, "ERR timeout is not an integer or out of range");
    } else if (timeout_ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
    } else {
        arguments[0] = is_aof ? call->arguments[1] : BYTES_LITERAL("0");
        arguments[1] = replicas < 0 ? BYTES_LITERAL("0") : call->arguments[at]; /* as Redis: any */
        arguments[2] = call->arguments[at + 1];
        return true;
    }
    return false;
}

bool wait_command(struct session_command *call) {
    bool is_aof = strcmp(call->command->name, "waitaof") == 0;
    struct bytes arguments[WAIT_ARGUMENTS];
    if (!parse(call, is_aof, arguments))
        return true;
    struct wait_call *wait = memory_allocate_zeroed(1, sizeof *wait);
    wait->target.deliver = deliver;
    wait->session = call->session;
    wait->is_aof = is_aof;
    wait->local = wait->replicas = -1;
    wait->waiting = 1; /* held until everybody is asked: answers may come within the calls */
    wait->ticket = session_expect(call->session, 0, 0);
    session_expect_read(call->session); /* a write behind it waits, as Redis has it */
    list_append(&call->worker->sessions->waits, &wait->link);
    ask_shards(wait, arguments);
    if (--wait->waiting == 0)
        finish(wait);
    return false;
}
