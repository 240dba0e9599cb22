/* One question, every worker of this node: CLIENT LIST, SLOWLOG, TROTHDB SNAPSHOT and others. Each
 * worker alone knows its sessions and shards, so the question goes to all of them; the reply is
 * written when the last answer is in.
 *
 *   asking worker  --MAIL_ASK: question, asker's id, arguments-->  each other worker
 *                  <-------MAIL_REPLY: number, text---------------                        */
#include "session/calls/ask.h"

#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "session/client/session.h"
#include "session/client/session_command.h"
#include "session/client/target.h"
#include "worker/worker.h"

struct ask {
    struct target target;
    struct list link; /* worker->sessions->asks */
    struct session *session;
    uint64_t ticket;
    const struct ask_question *question;
    uint8_t protocol;
    unsigned waiting; /* answers to come */
    struct ask_answer all;
};

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
    ask->question->reply(ask->session->worker, &ask->all, &reply);
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
    if (--ask->waiting == 0)
        finish(ask);
}

static void ask_others(struct ask *ask, const struct session_command *call) {
    struct worker *worker = call->worker;
    struct mail *mail = mail_new(MAIL_ASK, worker->index);
    mail->target = &ask->target;
    mail->question = ask->question;
    buffer_append_varint(&mail->bytes, call->session->id);
    buffer_append_varint(&mail->bytes, call->argument_count);
    for (size_t i = 0; i < call->argument_count; i++)
        buffer_append_length_prefixed(&mail->bytes, call->arguments[i]);
    worker_post_others(worker, mail);
}

bool ask_workers(struct session_command *call, const struct ask_question *question) {
    struct worker *worker = call->worker;
    struct ask_words words = {.asker = call->session->id,
                              .arguments = call->arguments,
                              .argument_count = call->argument_count};
    struct ask_answer here = {0};
    buffer_init(&here.text, SIZE_MAX);
    question->answer(worker, &words, &here);
    if (worker->count == 1) {
        question->reply(worker, &here, call->reply);
        buffer_release(&here.text);
        return true;
    }
    struct ask *ask = memory_allocate_zeroed(1, sizeof *ask);
    ask->target.deliver = deliver;
    ask->session = call->session;
    ask->question = question;
    ask->protocol = (uint8_t)call->session->protocol;
    ask->waiting = worker->count - 1;
    ask->all = here;
    ask->ticket = session_expect(call->session, 0, 0);
    list_append(&worker->sessions->asks, &ask->link);
    ask_others(ask, call);
    return false;
}

void ask_free_all(struct worker *worker) {
    LIST_EACH (&worker->sessions->asks, link)
        ask_free(LIST_ELEMENT(link, struct ask, link));
}

/* ---- the other workers ---- */

static void answer_mail(struct worker *worker, const struct mail *mail, struct ask_answer *answer) {
    struct cursor cursor = cursor_of(buffer_bytes(&mail->bytes));
    struct ask_words words = {.asker = cursor_varint(&cursor)};
    words.argument_count = cursor_varint(&cursor);
    struct bytes *arguments = memory_allocate_zeroed(words.argument_count, sizeof *arguments);
    for (size_t i = 0; i < words.argument_count; i++)
        arguments[i] = cursor_length_prefixed(&cursor, SIZE_MAX);
    CHECK(cursor_finish(&cursor) == 0);
    words.arguments = arguments;
    const struct ask_question *question = mail->question;
    question->answer(worker, &words, answer);
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

/* ---- replies that several questions have ---- */

void ask_reply_number(const struct worker *worker, const struct ask_answer *all,
                      struct reply *reply) {
    (void)worker;
    reply_integer(reply, (int64_t)all->number);
}

void ask_reply_text(const struct worker *worker, const struct ask_answer *all,
                    struct reply *reply) {
    (void)worker;
    reply_bulk(reply, buffer_bytes(&all->text));
}
