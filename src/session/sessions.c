#include "session/sessions.h"

#include "base/memory.h"
#include "session/calls/ask.h"
#include "session/calls/calls.h"
#include "session/calls/gather.h"
#include "session/calls/wait.h"
#include "session/client/held.h"
#include "session/client/session.h"
#include "session/client/slowlog.h"
#include "session/clients.h"
#include "worker/observe.h"
#include "worker/worker.h"

void sessions_new(struct worker *worker) {
    struct sessions *sessions = memory_allocate_zeroed(1, sizeof *sessions);
    list_init(&sessions->all);
    list_init(&sessions->with_output);
    list_init(&sessions->blocked);
    sessions->next_session = 1;
    list_init(&sessions->remote_calls);
    list_init(&sessions->gathers);
    list_init(&sessions->asks);
    list_init(&sessions->waits);
    queue_init(&sessions->deferred_mail, sizeof(struct mail *));
    buffer_init(&sessions->reply_buffer, SIZE_MAX);
    slowlog_init(&sessions->slowlog);
    worker->sessions = sessions;
}

void sessions_free(struct worker *worker) {
    struct sessions *sessions = worker->sessions;
    LIST_EACH (&sessions->all, link)
        session_free(LIST_ELEMENT(link, struct session, link));
    calls_free_all(worker);
    gather_free_all(worker);
    ask_free_all(worker);
    wait_free_all(worker);
    slowlog_release(&sessions->slowlog);
    buffer_release(&sessions->reply_buffer);
    memory_free(sessions);
}

/* ---- settings ---- */

/* Limits are copied into each session when it begins. */
void sessions_take_settings(struct worker *worker) {
    const struct config *config = &worker->config;
    LIST_EACH (&worker->sessions->all, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        session->input.maximum_bytes = (size_t)config->client_query_buffer_limit;
        session->output.maximum_bytes = (size_t)config->client_output_limit;
        session->parser.limits.bulk_bytes = (size_t)config->proto_max_bulk_len;
        session->parser.limits.argument_count = (size_t)config->proto_max_arguments;
        if (config->requirepass[0] == '\0')
            session_set_authenticated(session, true);
    }
    slowlog_trim(&worker->sessions->slowlog, (size_t)config->slowlog_max_len);
}

/* ---- the turn ---- */

/* As with Redis, who waits for a reply is not idle, and who got one just now is not so yet. */
static bool is_idle(const struct session *session, uint64_t since_us) {
    return !session->is_gone && !session->is_listening && session->unready_count == 0 &&
           session->last_input_us < since_us && session->last_reply_us < since_us;
}

static void close_idle(struct worker *worker, uint64_t now_us) {
    uint64_t timeout_us = (uint64_t)worker->config.timeout * 1000000;
    if (timeout_us == 0 || now_us < timeout_us)
        return;
    LIST_EACH (&worker->sessions->all, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        if (is_idle(session, now_us - timeout_us))
            session_close_after_reply(session);
    }
}

void sessions_tick(struct worker *worker, uint64_t now_us) {
    close_idle(worker, now_us);
    wait_end_late(worker, now_us);
}

static void retry_blocked(struct worker *worker) {
    struct list blocked;
    list_init(&blocked);
    if (worker->sessions->is_turn_wanted)
        worker->turn_us = worker_now_us(worker);
    worker->sessions->is_turn_wanted = false;
    while (!list_is_empty(&worker->sessions->blocked)) {
        struct list *link = list_first(&worker->sessions->blocked);
        list_remove(link);
        list_append(&blocked, link);
    }
    while (!list_is_empty(&blocked)) {
        struct list *link = list_first(&blocked);
        list_remove(link);
        clients_process(LIST_ELEMENT(link, struct session, blocked_link));
    }
}

/* Sessions of this worker and commands from the others take turns at being the first. */
void sessions_retry(struct worker *worker) {
    worker->sessions->is_mail_first = !worker->sessions->is_mail_first;
    if (worker->sessions->is_mail_first)
        calls_retry(worker);
    retry_blocked(worker);
    if (!worker->sessions->is_mail_first)
        calls_retry(worker);
}

static void write_all(struct worker *worker) {
    while (!list_is_empty(&worker->sessions->with_output)) {
        struct list *link = list_first(&worker->sessions->with_output);
        struct session *session = LIST_ELEMENT(link, struct session, output_link);
        list_remove(link);
        if (session->is_gone)
            continue;
        worker->io.client_output(worker->io.context, session, session->handle);
        held_count(session);
        bool is_done =
            queue_count(&session->slots) == 0 || session->is_overrun || session->is_killed;
        if (session->is_closing && is_done && !session->is_close_asked) {
            session->is_close_asked = true;
            worker->io.client_close(worker->io.context, session, session->handle);
        }
    }
}

void sessions_write(struct worker *worker) {
    bool has_output = !list_is_empty(&worker->sessions->with_output);
    write_all(worker);
    if (held_limit(worker))
        write_all(worker);
    if (has_output)
        observe_output(worker);
}
