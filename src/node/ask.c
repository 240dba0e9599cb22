/* One question, every worker of this node: CLIENT LIST, CLIENT KILL, SLOWLOG, TROTHDB SNAPSHOT,
 * TROTHDB TRANSFER, TROTHDB BACKUP.
 * Each worker alone knows its sessions and shards, so the question goes to all of them; the reply
 * is written when the last answer is in.
 *
 *   asking worker  --MAIL_CLIENT: kind, asker's id, arguments-->  each other worker
 *                  <------MAIL_REPLY: number, text--------------                        */
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "node/internal.h"

struct ask {
    struct target target;
    struct list link; /* worker->asks */
    struct session *session;
    uint64_t ticket;
    enum ask_kind kind;
    bool is_old_form; /* CLIENT KILL host:port */
    uint8_t protocol;
    unsigned waiting; /* answers to come */
    struct ask_answer all;
};

static void answer_here(struct worker *worker, enum ask_kind kind, uint64_t asker,
                        const struct bytes *arguments, size_t count, struct ask_answer *answer) {
    switch (kind) {
    case ASK_CLIENT_LIST:
    case ASK_CLIENT_KILL:
        client_answer(worker, kind, asker, arguments, count, answer);
        return;
    case ASK_SNAPSHOT:
        status_answer_snapshot(worker, arguments, count, answer);
        return;
    case ASK_TRANSFER:
        status_answer_transfer(worker, arguments, count, answer);
        return;
    case ASK_RECOVER:
        status_answer_recover(worker, answer);
        return;
    case ASK_VOTERS:
        status_answer_voters(worker, answer);
        return;
    case ASK_BACKUP:
        backups_answer(worker, arguments, count, answer);
        return;
    case ASK_SLOWLOG_GET:
    case ASK_SLOWLOG_LENGTH:
    case ASK_SLOWLOG_RESET:
        slowlog_answer(worker, kind, arguments, count, answer);
        return;
    }
    UNREACHABLE();
}

static void reply_answers(const struct worker *worker, const struct ask_answer *all,
                          enum ask_kind kind, bool is_old_form, struct reply *reply) {
    switch (kind) {
    case ASK_CLIENT_LIST:
    case ASK_CLIENT_KILL:
        client_reply_answers(all, kind, is_old_form, reply);
        return;
    case ASK_SNAPSHOT:
        reply_integer(reply, (int64_t)all->number);
        return;
    case ASK_RECOVER:
        if (all->number == 0) {
            reply_error(reply, "ERR this node has no replica of the control shard, or hears its "
                               "leader: there is nothing to recover");
        } else {
            reply_ok(reply);
        }
        return;
    case ASK_TRANSFER:
        if (all->number == 0) {
            reply_error(reply, "ERR nobody can take the lead of that shard now: the node named is "
                               "not one of its replicas, does not answer or is about to stop");
        } else {
            reply_ok(reply);
        }
        return;
    case ASK_BACKUP:
    case ASK_VOTERS:
        reply_bulk(reply, buffer_bytes(&all->text));
        return;
    case ASK_SLOWLOG_GET:
    case ASK_SLOWLOG_LENGTH:
    case ASK_SLOWLOG_RESET:
        slowlog_reply_answers(worker, all, kind, reply);
        return;
    }
    UNREACHABLE();
}

/* ---- the asking worker ---- */

static void ask_free(struct ask *ask) {
    list_remove(&ask->link);
    buffer_release(&ask->all.text);
    memory_free(ask);
}

static void finish(struct ask *ask) {
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    struct reply reply = {.out = &out, .protocol = ask->protocol};
    reply_answers(ask->session->worker, &ask->all, ask->kind, ask->is_old_form, &reply);
    struct session *session = ask->session;
    uint64_t ticket = ask->ticket;
    ask_free(ask);
    session_deliver(session, ticket, SHARD_DONE, buffer_bytes(&out));
    buffer_release(&out);
}

static void deliver(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes answer) {
    (void)worker;
    (void)ticket;
    (void)outcome;
    struct ask *ask = (struct ask *)target;
    struct cursor cursor = cursor_of(answer);
    ask->all.number += cursor_varint(&cursor);
    buffer_append_bytes(&ask->all.text, cursor_length_prefixed(&cursor, SIZE_MAX));
    CHECK(cursor_finish(&cursor) == 0);
    if (--ask->waiting == 0) {
        finish(ask);
    }
}

static void ask_others(struct ask *ask, const struct session_command *call) {
    struct worker *worker = call->worker;
    struct mail *mail = mail_new(MAIL_CLIENT, worker->index);
    mail->target = &ask->target;
    mail->flags = (uint32_t)ask->kind;
    buffer_append_varint(&mail->bytes, call->session->id);
    buffer_append_varint(&mail->bytes, call->argument_count);
    for (size_t i = 0; i < call->argument_count; i++) {
        buffer_append_length_prefixed(&mail->bytes, call->arguments[i]);
    }
    worker_post_others(worker, mail);
}

bool ask_workers(struct session_command *call, enum ask_kind kind) {
    struct worker *worker = call->worker;
    bool is_old_form = kind == ASK_CLIENT_KILL && call->argument_count == 3;
    struct ask_answer here = {0};
    buffer_init(&here.text, SIZE_MAX);
    answer_here(worker, kind, call->session->id, call->arguments, call->argument_count, &here);
    if (worker->count == 1) {
        reply_answers(worker, &here, kind, is_old_form, call->reply);
        buffer_release(&here.text);
        return true;
    }
    struct ask *ask = memory_allocate_zeroed(1, sizeof(*ask));
    ask->target.deliver = deliver;
    ask->session = call->session;
    ask->kind = kind;
    ask->is_old_form = is_old_form;
    ask->protocol = (uint8_t)call->session->protocol;
    ask->waiting = worker->count - 1;
    ask->all = here;
    ask->ticket = session_expect(call->session, 0, 0);
    list_append(&worker->asks, &ask->link);
    ask_others(ask, call);
    return false;
}

void ask_free_all(struct worker *worker) {
    LIST_EACH (&worker->asks, link) {
        ask_free(LIST_ELEMENT(link, struct ask, link));
    }
}

/* ---- the other workers ---- */

static void answer_mail(struct worker *worker, const struct mail *mail, struct ask_answer *answer) {
    struct cursor cursor = cursor_of(buffer_bytes(&mail->bytes));
    uint64_t asker = cursor_varint(&cursor);
    size_t count = cursor_varint(&cursor);
    struct bytes *arguments = memory_allocate_zeroed(count, sizeof(*arguments));
    for (size_t i = 0; i < count; i++) {
        arguments[i] = cursor_length_prefixed(&cursor, SIZE_MAX);
    }
    CHECK(cursor_finish(&cursor) == 0);
    answer_here(worker, (enum ask_kind)mail->flags, asker, arguments, count, answer);
    memory_free(arguments);
}

void ask_mail(struct worker *worker, struct mail *mail) {
    struct ask_answer answer = {0};
    buffer_init(&answer.text, SIZE_MAX);
    answer_mail(worker, mail, &answer);
    struct mail *back = mail_new(MAIL_REPLY, worker->index);
    back->target = mail->target;
    back->status = SHARD_DONE;
    buffer_append_varint(&back->bytes, answer.number);
    buffer_append_length_prefixed(&back->bytes, buffer_bytes(&answer.text));
    worker_post(worker, mail->from, back);
    buffer_release(&answer.text);
    mail_free(mail);
}
