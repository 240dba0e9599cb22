#include "server/worker_thread.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/real/entropy.h"
#include "io/real/real_blob.h"
#include "io/real/real_clock.h"
#include "io/real/real_disk.h"
#include "io/real/real_process.h"
#include "member/stream_mail.h"
#include "process/client_port.h"
#include "process/log_sink.h"
#include "process/options.h"
#include "process/turn.h"
#include "replica/peers.h"
#include "rpc/peer_net.h"
#include "session/clients.h"
#include <pthread.h>
#include <stdio.h>

enum { WORKER_PROBLEM_MAXIMUM_BYTES = 4096 };

struct worker_thread {
    struct server *server;
    unsigned index;
    struct worker_thread_parts parts;
    uv_thread_t thread;
    uv_loop_t loop;
    struct mailbox mailbox;
    struct clock clock;
    struct turn turn;
    struct log log;
    struct disk *disk;
    struct peer_net *peer_net;
    struct client_port clients;
    struct worker *worker;
    uv_sem_t ready;
    int status; /* of the start; read after `ready` */
    struct buffer problem;
    bool is_draining;
    atomic_uint orders;
    atomic_bool has_drained, has_ended;
};

/* ---- what the worker asks of the world ---- */

static void on_client_output(void *context, struct session *session, void *handle) {
    (void)context, (void)session;
    client_connection_output(handle);
}

static void on_client_close(void *context, struct session *session, void *handle) {
    (void)context, (void)session;
    client_connection_close(handle);
}

static void on_client_pause(void *context, struct session *session, void *handle, bool is_paused) {
    (void)context, (void)session;
    client_connection_pause(handle, is_paused);
}

static int on_open_blobs(void *context, const struct config *config, struct blob_store **out,
                         struct blob_problem *problem) {
    struct worker_thread *thread = context;
    struct blob_options options = {.url = config->backup_to,
                                   .endpoint = config->backup_endpoint,
                                   .region = config->backup_region};
    return blob_real_open(&options, &thread->loop, out, problem);
}

static void on_post(void *context, unsigned receiver, struct mail *mail) {
    struct worker_thread *thread = context;
    server_post(thread->server, &thread->log, receiver, mail);
}

static int on_rewrite_settings(void *context, const struct table *values, struct buffer *problem) {
    const char *file = ((struct worker_thread *)context)->server->config_file;
    return file ? options_rewrite(file, values, problem) : ERR_NOT_FOUND;
}

static void on_fatal(void *context, const char *what) {
    server_fatal(&((struct worker_thread *)context)->log, what);
}

/* ---- what the world brings to the worker ---- */

static struct worker *worker_of(void *context) { return ((struct worker_thread *)context)->worker; }

static void *on_client_open(void *context, struct client_connection *connection,
                            const char *peer_name, const char *own_name) {
    return clients_open(worker_of(context), connection, peer_name, own_name);
}

static uint8_t *on_client_room(void *context, void *session, size_t *length) {
    return clients_room(worker_of(context), session, length);
}

static void on_client_input(void *context, void *session, size_t length) {
    clients_input(worker_of(context), session, length);
}

static void on_client_ended(void *context, void *session) {
    clients_ended(worker_of(context), session);
}

static void on_client_closed(void *context, void *session) {
    clients_closed(worker_of(context), session);
}

static struct buffer *client_output_of(void *session) { return clients_output(session); }

static const struct client_port_calls CLIENT_CALLS = {.open = on_client_open,
                                                      .room = on_client_room,
                                                      .input = on_client_input,
                                                      .ended = on_client_ended,
                                                      .closed = on_client_closed,
                                                      .output = client_output_of,
                                                      .refusal = clients_refusal};

static int on_exchange(void *context, struct bytes batch) {
    return peers_take(((struct worker_thread *)context)->worker, batch);
}

static bool is_serving(void *context) {
    struct buffer reason;
    buffer_init(&reason, WORKER_PROBLEM_MAXIMUM_BYTES);
    bool is_ready =
        node_shared_is_ready(((struct worker_thread *)context)->server->shared, &reason);
    buffer_release(&reason);
    return is_ready;
}

/* Streams of gossip are served where their connections are, and written by the gossip thread. */
static void on_gossip_stream(void *context, enum gossip_event_kind kind, uint64_t stream,
                             struct bytes request) {
    struct worker_thread *thread = context;
    on_post(thread, MAIL_TO_GOSSIPER, stream_mail_new(thread->index, kind, stream, request));
}

static void on_peer_lost(void *context, uint32_t node_number) {
    peers_lost(((struct worker_thread *)context)->worker, node_number);
}

static void on_turn_end(void *context) {
    struct worker_thread *thread = context;
    if (thread->clock.monotonic_us(&thread->clock) >= worker_deadline_us(thread->worker)) {
        disk_real_look(thread->disk);
        worker_tick(thread->worker);
    }
    worker_turn_end(thread->worker);
    if (disk_real_deliver(thread->disk))
        worker_turn_end(thread->worker);
    disk_real_delay_syncs(thread->disk,
                          (uint64_t)worker_config(thread->worker)->debug_sync_delay_us);
    if (thread->is_draining && !thread->has_drained && worker_is_drained(thread->worker)) {
        atomic_store(&thread->has_drained, true);
        uv_async_send(&thread->server->progress);
    }
    turn_set_alarm(&thread->turn, worker_deadline_us(thread->worker));
}

/* ---- orders of the main thread ---- */

static void thread_listen(struct worker_thread *thread) {
    if (client_port_listen(&thread->clients, thread->parts.client_socket) != 0 ||
        peer_net_listen(thread->peer_net, thread->parts.peer_socket) != 0)
        server_fatal(&thread->log, "a listening socket cannot be used");
}

static void thread_drain(struct worker_thread *thread) {
    thread->is_draining = true;
    client_port_stop_listening(&thread->clients);
    worker_drain(thread->worker);
}

/* Everything but the disks is closed when the loop stops, at the end of this turn. */
static void thread_stop(struct worker_thread *thread) {
    client_port_close(&thread->clients);
    peer_net_close(thread->peer_net);
    mailbox_close(&thread->mailbox);
    turn_close(&thread->turn);
    uv_stop(&thread->loop);
}

static void thread_answer_stream(struct worker_thread *thread, struct mail *mail) {
    struct gossip_stream_action action = stream_mail_action(mail);
    peer_net_stream(thread->peer_net, &action);
    mail_free(mail);
}

static void on_wake(void *context) {
    struct worker_thread *thread = context;
    for (struct mail *mail = mailbox_take_all(&thread->mailbox), *next; mail != NULL; mail = next) {
        next = mail->next;
        log_sink_settings(&thread->log, mail);
        if (mail->kind == MAIL_GOSSIP_STREAM)
            thread_answer_stream(thread, mail);
        else
            worker_mail(thread->worker, mail);
    }
    unsigned orders = atomic_exchange(&thread->orders, 0);
    if (orders & ORDER_LISTEN)
        thread_listen(thread);
    if (orders & ORDER_DRAIN)
        thread_drain(thread);
    if (orders & ORDER_STOP)
        thread_stop(thread);
}

/* ---- life ---- */

static int thread_make_worker(struct worker_thread *thread) {
    struct server *server = thread->server;
    struct worker_options options = {
        .index = thread->index,
        .count = server->worker_count,
        .identity = server->identity,
        .config = &server->config,
        .client_address = server->client_address,
        .peer_address = server->peer_address,
        .admin_address = server->admin_address,
        .seed = entropy_u64(),
        .shared = server->shared,
        .io = {.clock = &thread->clock,
               .disk = thread->disk,
               .node_disk = thread->parts.node_disk,
               .net = peer_net_door(thread->peer_net),
               .log = &thread->log,
               .client_output = on_client_output,
               .client_close = on_client_close,
               .client_pause = on_client_pause,
               .open_blobs = on_open_blobs,
               .post = on_post,
               .rewrite_settings = on_rewrite_settings,
               .process_facts = process_real_facts,
               .fatal = on_fatal,
               .context = thread},
    };
    return worker_new(&options, &thread->worker, &thread->problem);
}

/* Without io_uring nothing is lost but time. */
static void thread_choose_engine(struct worker_thread *thread) {
    struct disk_real_problem cause = {.text = "disk-engine says so"};
    int wanted = thread->server->config.disk_engine;
    bool has_ring = wanted != DISK_ENGINE_THREAD && disk_real_start_ring(thread->disk, &cause) == 0;
    if (has_ring)
        log_line(&thread->log, LOG_INFO, "the log is written by io_uring",
                 LOG_F("worker", thread->index));
    else
        log_line(&thread->log, wanted == DISK_ENGINE_IO_URING ? LOG_WARN : LOG_INFO,
                 "the log is written by a thread", LOG_F("worker", thread->index),
                 LOG_T("reason", cause.text));
}

static int thread_prepare(struct worker_thread *thread) {
    struct disk_real_problem cause;
    int code = disk_real_open(thread->parts.directory, &thread->loop, &thread->disk, &cause);
    if (code != 0) {
        buffer_append_text(&thread->problem, cause.text);
        return code;
    }
    thread_choose_engine(thread);
    thread->peer_net = peer_net_new(&(struct peer_net_options){
        .loop = &thread->loop,
        .seal = thread->server->seal,
        .identity = &thread->server->identity,
        .log = &thread->log,
        .connection_maximum = thread->server->files.peers,
        .metrics = node_shared_metrics(thread->server->shared, thread->index),
        .exchange = on_exchange,
        .is_serving = is_serving,
        .gossip_stream = on_gossip_stream,
        .lost = on_peer_lost,
        .context = thread});
    code = thread_make_worker(thread);
    if (code != 0)
        return code;
    client_port_init(&thread->clients, &thread->loop, &CLIENT_CALLS, thread, &thread->log);
    turn_init(&thread->turn, &thread->loop, &thread->clock, on_turn_end, thread);
    return 0;
}

/* The disks' last jobs report to the worker before it goes. */
static void thread_release(struct worker_thread *thread) {
    disk_real_close(thread->disk);
    if (thread->index == 0)
        disk_real_close(thread->parts.node_disk);
    worker_free(thread->worker);
    peer_net_free(thread->peer_net);
}

static void thread_run(void *argument) {
    struct worker_thread *thread = argument;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", thread->index);
    pthread_setname_np(pthread_self(), name);
    thread->status = thread_prepare(thread);
    bool is_ready = thread->status == 0;
    uv_sem_post(&thread->ready);
    if (!is_ready)
        return;
    uv_run(&thread->loop, UV_RUN_DEFAULT); /* until the order to stop */
    uv_run(&thread->loop, UV_RUN_NOWAIT);  /* what was closed by what was closed */
    thread_release(thread);
    uv_run(&thread->loop, UV_RUN_DEFAULT); /* lets go of the disks */
    atomic_store(&thread->has_ended, true);
    uv_async_send(&thread->server->progress);
}

struct worker_thread *worker_thread_new(struct server *server, unsigned index) {
    struct worker_thread *thread = memory_allocate_zeroed(1, sizeof *thread);
    thread->server = server;
    thread->index = index;
    log_sink_init(&thread->log, &server->config);
    buffer_init(&thread->problem, WORKER_PROBLEM_MAXIMUM_BYTES);
    CHECK(uv_sem_init(&thread->ready, 0) == 0);
    CHECK(uv_loop_init(&thread->loop) == 0);
    clock_real_init(&thread->clock);
    mailbox_init(&thread->mailbox, &thread->loop, on_wake, thread);
    return thread;
}

uv_loop_t *worker_thread_loop(struct worker_thread *thread) { return &thread->loop; }

struct mailbox *worker_thread_mailbox(struct worker_thread *thread) {
    return &thread->mailbox;
}

void worker_thread_start(struct worker_thread *thread, const struct worker_thread_parts *parts) {
    thread->parts = *parts;
    CHECK(uv_thread_create(&thread->thread, thread_run, thread) == 0);
}

int worker_thread_wait_ready(struct worker_thread *thread, struct buffer *problem) {
    uv_sem_wait(&thread->ready);
    buffer_append_bytes(problem, buffer_bytes(&thread->problem));
    return thread->status;
}

void worker_thread_order(struct worker_thread *thread, enum thread_order order) {
    atomic_fetch_or(&thread->orders, (unsigned)order);
    mailbox_wake(&thread->mailbox);
}

bool worker_thread_has_drained(const struct worker_thread *thread) {
    return atomic_load(&thread->has_drained);
}

bool worker_thread_has_ended(const struct worker_thread *thread) {
    return atomic_load(&thread->has_ended);
}

void worker_thread_free(struct worker_thread *thread) {
    CHECK(uv_thread_join(&thread->thread) == 0);
    mailbox_release(&thread->mailbox);
    buffer_release(&thread->problem);
    uv_sem_destroy(&thread->ready);
    CHECK(uv_loop_close(&thread->loop) == 0);
    memory_free(thread);
}
