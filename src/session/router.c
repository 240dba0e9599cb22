/* Where a command goes: to the node itself, to a shard on this worker, to one on another worker of
 * this node, or away with a redirection. Whatever is believed here about leaders, the shard itself
 * decides: a stale belief costs a redirect. */
#include "session/router.h"

#include <stdio.h>

#include "base/memory.h"
#include "session/calls/calls.h"
#include "session/calls/gather.h"
#include "session/calls/wait.h"
#include "session/client/durability.h"
#include "session/client/session.h"
#include "session/client/trace.h"
#include "session/commands/table.h"
#include "worker/leaders.h"
#include "worker/memory_limit.h"
#include "worker/observe.h"
#include "worker/worker.h"

enum { TRACE_WORDS = 3, WITH_WORDS = 3 };

static bool has_one_shard(const struct worker *worker) {
    return worker->topology->shard_count == 2;
}

/* The slot of the command's keys. ERR_REFUSED when they are in several. */
static int slot_of_keys(const struct worker *worker, const struct command *command,
                        const struct bytes *arguments, size_t count, slot_number *slot) {
    size_t first;
    size_t key_count = command_keys(command, count, &first, 1);
    if (key_count == 0)
        return ERR_NOT_FOUND;
    *slot = slot_of_key(arguments[first]);
    if (key_count == 1 || has_one_shard(worker))
        return 0;
    size_t *positions = memory_allocate(key_count * sizeof *positions);
    key_count = command_keys(command, count, positions, key_count);
    int error = 0;
    for (size_t i = 1; i < key_count && !error; i++)
        error = slot_of_key(arguments[positions[i]]) == *slot ? 0 : ERR_REFUSED;
    memory_free(positions);
    return error;
}

/* The error that is in reply_buffer is the answer, before anything has run: how long it took is no
 * matter of the slow log. */
static enum route_result answer_refusal(struct session *session) {
    session->arguments = NULL;
    observe_command_error(session->worker, session->last_command, false);
    session_reply_now(session, buffer_bytes(&session->worker->sessions->reply_buffer));
    return ROUTE_DONE;
}

static enum route_result refuse(struct session *session, const char *text) {
    struct reply reply = session_begin_reply(session);
    reply_error(&reply, text);
    return answer_refusal(session);
}

/* Nobody is known to own the slot. */
static enum route_result refuse_unserved(struct session *session) {
    observe_redirect(session->worker, "clusterdown");
    return refuse(session, "CLUSTERDOWN Hash slot not served");
}

/* Redis's words, which clients know. */
static enum route_result refuse_for_memory(struct session *session) {
    return refuse(session, "OOM command not allowed when used memory > 'maxmemory'.");
}

/* Before anything of it is proposed: it would fit into no message between nodes. */
static enum route_result refuse_length(struct session *session) {
    char text[96];
    snprintf(text, sizeof text, "ERR command is longer than a log entry may be: %zu bytes",
             SHARD_COMMAND_BYTES_MAXIMUM);
    return refuse(session, text);
}

static enum route_result redirect(struct session *session, uint32_t shard, slot_number slot) {
    struct reply reply = session_begin_reply(session);
    leaders_redirect(session->worker, shard, slot, &reply);
    return answer_refusal(session);
}

/* A place in the session's order is taken before the shard is asked, because the answer may come
 * within the call. It is given back if the shard has no room: nothing was written behind it
 * meanwhile. */
static enum route_result call_shard(struct session *session, uint32_t shard, slot_number slot,
                                    const struct command *command, const struct bytes *arguments,
                                    size_t count) {
    unsigned flags;
    if (!session_order(session, command, &flags))
        return ROUTE_BUSY;
    flags |= session->is_readonly ? SHARD_READ_ON_FOLLOWER : 0;
    if (!leaders_is_here(session->worker, shard))
        flags &= ~(unsigned)CALL_THROUGH_LOG;
    uint64_t ticket = session_expect(session, shard, slot);
    if (command->flags & COMMAND_WRITE) {
        wait_note_write(session, shard);
        flags |= CALL_THROUGH_LOG;
    } else if (!(flags & CALL_THROUGH_LOG)) {
        session_expect_read(session);
    }
    struct shard_call call = {.arguments = arguments,
                              .argument_count = count,
                              .target = &session->target,
                              .ticket = ticket,
                              .protocol = (uint8_t)session->protocol,
                              .flags = flags};
    enum route_result result = calls_send(session->worker, shard, &call);
    if (result == ROUTE_BUSY)
        session_expect_no_more(session);
    return result;
}

static enum route_result run_on_shard(struct session *session, const struct command *command,
                                      const struct bytes *arguments, size_t count) {
    struct worker *worker = session->worker;
    slot_number slot = 0;
    if (!worker->topology)
        return refuse_unserved(session);
    int error = slot_of_keys(worker, command, arguments, count, &slot);
    if (error == ERR_REFUSED) {
        observe_redirect(worker, "crossslot");
        return refuse(session, "CROSSSLOT Keys in request don't hash to the same slot");
    }
    uint32_t shard = worker->topology->slot_owner[slot];
    if (shard == 0)
        return refuse_unserved(session);
    bool may_follow =
        session->is_readonly && !(command->flags & COMMAND_WRITE) &&
        topology_shard_has_replica(topology_shard(worker->topology, shard), worker->self);
    if (!leaders_is_here(worker, shard) && !may_follow) {
        if (leaders_are_being_elected(worker, shard))
            return ROUTE_BUSY;
        return redirect(session, shard, slot);
    }
    if (!(command->flags & COMMAND_DENYOOM))
        return call_shard(session, shard, slot, command, arguments, count);
    if (memory_limit_is_reached(worker))
        return refuse_for_memory(session);
    enum route_result result = call_shard(session, shard, slot, command, arguments, count);
    if (result == ROUTE_DONE)
        memory_limit_let_in(worker, shard_command_bytes(arguments, count));
    return result;
}

static enum route_result run_here(struct session *session, const struct command *command,
                                  const struct bytes *arguments, size_t count) {
    struct reply reply = session_begin_reply(session);
    struct session_command call = {.session = session,
                                   .worker = session->worker,
                                   .command = command,
                                   .arguments = arguments,
                                   .argument_count = count,
                                   .reply = &reply};
    if (session_command_run(&call) && reply.out->length) {
        if (reply_is_error(buffer_bytes(reply.out)))
            observe_command_error(session->worker, command, true);
        session_reply_now(session, buffer_bytes(reply.out));
    }
    return ROUTE_DONE;
}

/* ---- a command around a command ---- */

static enum route_result run_with(struct session *session, const struct bytes *arguments,
                                  size_t count) {
    struct reply reply = session_begin_reply(session);
    const struct command *command;
    enum session_durability durability;
    if (!durability_parse(arguments[2], &durability))
        return refuse(session, "ERR durability is sync or async");
    if (command_check(arguments + WITH_WORDS, count - WITH_WORDS, &command, &reply))
        return answer_refusal(session);
    if (command->flags & COMMAND_SESSION)
        return refuse(session, "ERR TROTHDB WITH goes with commands on keys");
    session->last_command = command;
    session->command_durability = durability;
    enum route_result result =
        router_run(session, command, arguments + WITH_WORDS, count - WITH_WORDS);
    session->command_durability = DURABILITY_OF_NODE;
    return result;
}

/* The words behind the id are the command, for the slow log too: it shows the whole. */
static enum route_result run_traced(struct session *session, const struct bytes *arguments,
                                    size_t count) {
    struct worker *worker = session->worker;
    struct reply reply = session_begin_reply(session);
    const struct command *command;
    if (worker->sessions->tracing.length)
        return refuse(session, "ERR a command has one trace id");
    if (!payload_is_trace_id(arguments[2]))
        return refuse(session, "ERR a trace id is 1 to 64 letters, digits, '-', '_', '.' or ':'");
    if (command_check(arguments + TRACE_WORDS, count - TRACE_WORDS, &command, &reply))
        return answer_refusal(session);
    if (!trace_is_known_to_all(worker)) {
        return refuse(session,
                      "ERR not all nodes of the cluster can read trace ids yet: install this "
                      "release on all, with feature-level-maximum at 1 or more");
    }
    worker->sessions->tracing = arguments[2];
    session->last_command = command;
    uint64_t ticket = session->first_ticket + queue_count(&session->slots);
    enum route_result result =
        router_run(session, command, arguments + TRACE_WORDS, count - TRACE_WORDS);
    if (result == ROUTE_DONE)
        trace_answered(session, arguments[2], ticket);
    worker->sessions->tracing = BYTES_NONE;
    return result;
}

/* As if the client had asked for it, in the slow log too. */
enum route_result router_run_picked(struct session *session, const struct bytes *arguments,
                                    size_t count) {
    char id[TRACE_ID_BYTES];
    worker_make_trace_id(session->worker, id);
    struct bytes *words = memory_allocate((count + TRACE_WORDS) * sizeof *words);
    words[0] = BYTES_LITERAL("TROTHDB");
    words[1] = BYTES_LITERAL("TRACE");
    words[2] = bytes_of_text(id);
    memcpy(words + TRACE_WORDS, arguments, count * sizeof *words);
    session->arguments = words;
    session->argument_count = count + TRACE_WORDS;
    enum route_result result = run_traced(session, words, count + TRACE_WORDS);
    if (session->arguments) { /* no place in the order was taken */
        session->arguments = arguments;
        session->argument_count = count;
    }
    memory_free(words);
    return result;
}

/* ---- which of all these ---- */

enum route_result router_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count) {
    if (command->flags & COMMAND_INTERNAL)
        return refuse(session, "ERR this command is TrothDB's own and cannot be called");
    if (command->flags & COMMAND_SESSION && strcmp(command->name, "trothdb|trace") == 0)
        return run_traced(session, arguments, count);
    if (command->flags & COMMAND_SESSION && strcmp(command->name, "trothdb|with") == 0)
        return run_with(session, arguments, count);
    if (command->flags & COMMAND_SESSION)
        return run_here(session, command, arguments, count);
    if (shard_command_bytes(arguments, count) > SHARD_COMMAND_BYTES_MAXIMUM)
        return refuse_length(session);
    if (command->flags & COMMAND_EVERY_SHARD)
        return gather_run(session, command, arguments, count);
    return run_on_shard(session, command, arguments, count);
}
