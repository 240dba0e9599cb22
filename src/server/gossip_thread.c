#include "server/gossip_thread.h"
#include "admin/admin.h"
#include "base/check.h"
#include "base/memory.h"
#include "console/console_status.h"
#include "io/real/entropy.h"
#include "io/real/real_clock.h"
#include "process/gossip_plane.h"
#include "process/log_sink.h"
#include "process/turn.h"
#include <pthread.h>

struct gossip_thread {
    struct server *server;
    uv_thread_t thread;
    uv_loop_t loop;
    struct clock clock;
    struct turn turn;
    struct mailbox mailbox;
    struct log log;
    struct admin admin;
    struct gossip_plane plane;
    atomic_uint orders;
    atomic_bool has_ended;
};

static void gossip_post(void *context, unsigned receiver, struct mail *mail) {
    struct gossip_thread *thread = context;
    server_post(thread->server, &thread->log, receiver, mail);
}

static void gossip_at_turn_end(void *context) {
    struct gossip_thread *thread = context;
    turn_set_alarm(&thread->turn, gossip_plane_end_turn(&thread->plane));
}

static void gossip_close_handles(struct gossip_thread *thread) {
    mailbox_close(&thread->mailbox);
    turn_close(&thread->turn);
    gossip_plane_close(&thread->plane);
    admin_close(&thread->admin);
}

/* ---- /status ---- */

static void gossip_ask_workers(void *context) {
    struct gossip_thread *thread = context;
    server_post(thread->server, &thread->log, 0, mail_new(MAIL_STATUS, MAIL_TO_GOSSIPER));
}

static void gossip_measure(void *context) {
    gossip_plane_measure(&((struct gossip_thread *)context)->plane);
}

static void gossip_write_status(void *context, struct bytes workers, struct buffer *out) {
    struct gossip_thread *thread = context;
    console_status_write(thread->plane.gossiper, workers, out);
}

static void gossip_hear_status(struct gossip_thread *thread, struct mail *mail) {
    admin_hear_status(&thread->admin, buffer_bytes(&mail->bytes));
    mail_free(mail);
}

/* ---- the loop ---- */

static void gossip_on_wake(void *context) {
    struct gossip_thread *thread = context;
    for (struct mail *mail = mailbox_take_all(&thread->mailbox), *next; mail != NULL; mail = next) {
        next = mail->next;
        log_sink_settings(&thread->log, mail);
        if (mail->kind == MAIL_STATUS)
            gossip_hear_status(thread, mail);
        else
            gossiper_mail(thread->plane.gossiper, mail);
    }
    if (atomic_exchange(&thread->orders, 0) & ORDER_STOP)
        gossip_close_handles(thread);
}

static void gossip_run(void *argument) {
    struct gossip_thread *thread = argument;
    pthread_setname_np(pthread_self(), "gossip");
    uv_run(&thread->loop, UV_RUN_DEFAULT);
    atomic_store(&thread->has_ended, true);
    uv_async_send(&thread->server->progress);
}

static int gossip_open_plane(struct gossip_thread *thread, int datagram_socket,
                             struct buffer *problem) {
    struct server *server = thread->server;
    struct gossiper_options options = {
        .identity = server->identity,
        .config = &server->config,
        .peer_address = server->peer_address,
        .seed = entropy_u64(),
        .worker_count = server->worker_count,
        .clock = &thread->clock,
        .log = &thread->log,
        .metrics = node_shared_metrics(server->shared, server->worker_count),
        .post = gossip_post,
        .context = thread};
    gossiper_name(server->config.name, &server->client_address, options.name);
    return gossip_plane_open(&thread->plane, &thread->loop, datagram_socket, server->seal, &options,
                             problem);
}

struct gossip_thread *gossip_thread_new(struct server *server, int datagram_socket,
                                        int admin_socket, struct buffer *problem) {
    struct gossip_thread *thread = memory_allocate_zeroed(1, sizeof *thread);
    thread->server = server;
    log_sink_init(&thread->log, &server->config);
    CHECK(uv_loop_init(&thread->loop) == 0);
    mailbox_init(&thread->mailbox, &thread->loop, gossip_on_wake, thread);
    clock_real_init(&thread->clock);
    turn_init(&thread->turn, &thread->loop, &thread->clock, gossip_at_turn_end, thread);
    admin_init(&thread->admin, &thread->loop,
               &(struct admin_options){.shared = server->shared,
                                       .profiler = server->profiler,
                                       .log = &thread->log,
                                       .measure = gossip_measure,
                                       .context = thread,
                                       .status = {.ask_workers = gossip_ask_workers,
                                                  .write = gossip_write_status,
                                                  .context = thread}});
    if (gossip_open_plane(thread, datagram_socket, problem) != 0)
        return NULL;
    if (admin_listen(&thread->admin, admin_socket) != 0) {
        buffer_append_text(problem, "the listening socket of the admin port cannot be used");
        return NULL;
    }
    return thread;
}

void gossip_thread_start(struct gossip_thread *thread) {
    CHECK(uv_thread_create(&thread->thread, gossip_run, thread) == 0);
}

void gossip_thread_stop(struct gossip_thread *thread) {
    atomic_fetch_or(&thread->orders, ORDER_STOP);
    mailbox_wake(&thread->mailbox);
}

bool gossip_thread_has_ended(const struct gossip_thread *thread) {
    return atomic_load(&thread->has_ended);
}

uint64_t gossip_thread_later_generation(const struct gossip_thread *thread) {
    return gossiper_later_generation(thread->plane.gossiper);
}

void gossip_thread_free(struct gossip_thread *thread) {
    CHECK(uv_thread_join(&thread->thread) == 0);
    gossip_plane_release(&thread->plane);
    mailbox_release(&thread->mailbox);
    CHECK(uv_loop_close(&thread->loop) == 0);
    memory_free(thread);
}

struct mailbox *gossip_thread_mailbox(struct gossip_thread *thread) {
    return &thread->mailbox;
}
