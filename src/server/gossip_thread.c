#include "server/gossip_thread.h"
#include "base/check.h"
#include "base/memory.h"
#include "io/real/real_clock.h"
#include "node/gossiper.h"
#include "server/admin.h"
#include "server/log_sink.h"
#include "server/seeds.h"
#include "server/socket.h"
#include "server/turn.h"
#include <pthread.h>
#include <stdio.h>

/* One byte more than is allowed, so that what is too long is seen to be. */
enum { DATAGRAM_ROOM_BYTES = NET_DATAGRAM_MAXIMUM + 1 };

struct gossip_thread {
    struct net door; /* datagrams only */
    struct server *server;
    uv_thread_t thread;
    uv_loop_t loop;
    struct clock clock;
    struct turn turn;
    struct mailbox mailbox;
    struct log log;
    uv_udp_t socket;
    struct admin admin;
    struct seeds seeds;
    struct gossiper *gossiper;
    struct metric_cell *refused_by_seal, *refused_by_length, *unsent, *resident_memory;
    uint8_t room[DATAGRAM_ROOM_BYTES];
    atomic_uint orders;
    atomic_bool has_ended;
};

static void gossip_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    struct gossip_thread *thread = (struct gossip_thread *)net;
    const struct seal *seal = thread->server->seal;
    uint8_t sealed[NET_DATAGRAM_MAXIMUM];
    struct sockaddr_storage address;
    if (seal != NULL && datagram.length + SEAL_EXTRA_BYTES <= sizeof sealed) {
        seal_close(seal, SEAL_DATAGRAM, datagram, sealed);
        datagram = bytes_of(sealed, datagram.length + SEAL_EXTRA_BYTES);
    } else if (seal != NULL || datagram.length > sizeof sealed) {
        metric_add(thread->unsent, 1);
        return;
    }
    uv_buf_t all = uv_buf_init((char *)datagram.data, (unsigned)datagram.length);
    if (socket_address(to, &address) != 0 ||
        uv_udp_try_send(&thread->socket, &all, 1, (struct sockaddr *)&address) < 0)
        metric_add(thread->unsent, 1);
}

static void gossip_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct gossip_thread *thread = handle->data;
    *room = uv_buf_init((char *)thread->room, sizeof thread->room);
}

static void gossip_on_datagram(uv_udp_t *socket, ssize_t length, const uv_buf_t *room,
                               const struct sockaddr *from, unsigned flags) {
    struct gossip_thread *thread = socket->data;
    if (length <= 0 || from == NULL)
        return;
    if (length > NET_DATAGRAM_MAXIMUM || (flags & UV_UDP_PARTIAL)) {
        metric_add(thread->refused_by_length, 1);
        return;
    }
    struct bytes datagram = bytes_of(room->base, (size_t)length);
    const struct seal *seal = thread->server->seal;
    if (seal != NULL &&
        seal_open(seal, SEAL_DATAGRAM, (uint8_t *)room->base, (size_t)length, &datagram) != 0) {
        metric_add(thread->refused_by_seal, 1);
        return;
    }
    struct net_address sender;
    socket_address_to_net(from, &sender);
    gossiper_datagram(thread->gossiper, &sender, datagram);
}

static void gossip_post(void *context, unsigned receiver, struct mail *mail) {
    struct gossip_thread *thread = context;
    server_post(thread->server, &thread->log, receiver, mail);
}

static void gossip_on_seed(void *context, const struct net_address *address) {
    struct gossip_thread *thread = context;
    struct mail *mail = mail_new(MAIL_GOSSIP_SEED, MAIL_TO_GOSSIPER);
    mail->address = *address;
    gossiper_mail(thread->gossiper, mail);
}

static void gossip_measure_memory(struct gossip_thread *thread) {
    size_t resident_bytes;
    if (uv_resident_set_memory(&resident_bytes) == 0)
        metric_set(thread->resident_memory, (int64_t)resident_bytes);
}

static void gossip_at_turn_end(void *context) {
    struct gossip_thread *thread = context;
    if (thread->clock.monotonic_us(&thread->clock) >= gossiper_deadline_us(thread->gossiper)) {
        gossiper_tick(thread->gossiper);
        gossip_measure_memory(thread);
    }
    turn_set_alarm(&thread->turn, gossiper_deadline_us(thread->gossiper));
}

static void gossip_close_handles(struct gossip_thread *thread) {
    mailbox_close(&thread->mailbox);
    turn_close(&thread->turn);
    seeds_close(&thread->seeds);
    admin_close(&thread->admin);
    uv_close((uv_handle_t *)&thread->socket, NULL);
}

static void gossip_on_wake(void *context) {
    struct gossip_thread *thread = context;
    for (struct mail *mail = mailbox_take_all(&thread->mailbox), *next; mail != NULL; mail = next) {
        next = mail->next;
        log_sink_settings(&thread->log, mail);
        gossiper_mail(thread->gossiper, mail);
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

static struct gossiper *gossip_make(struct gossip_thread *thread) {
    struct server *server = thread->server;
    struct gossiper_options options = {
        .identity = server->identity,
        .config = &server->config,
        .peer_address = server->peer_address,
        .seed = server_random(),
        .worker_count = server->worker_count,
        .clock = &thread->clock,
        .net = &thread->door,
        .log = &thread->log,
        .metrics = node_shared_metrics(server->shared, server->worker_count),
        .post = gossip_post,
        .context = thread};
    char name[SOCKET_NAME_BYTES];
    net_address_format(&server->client_address, name);
    snprintf(options.name, sizeof options.name, "%.*s", (int)sizeof options.name - 1, name);
    return gossiper_new(&options);
}

struct gossip_thread *gossip_thread_new(struct server *server, int datagram_socket,
                                        int admin_socket, struct buffer *problem) {
    struct gossip_thread *thread = memory_allocate_zeroed(1, sizeof *thread);
    struct metrics *metrics = node_shared_metrics(server->shared, server->worker_count);
    thread->door = (struct net){.datagram_send = gossip_send};
    thread->server = server;
    thread->refused_by_seal = metrics_cell(metrics, METRIC_gossip_refused_total, "seal");
    thread->refused_by_length = metrics_cell(metrics, METRIC_gossip_refused_total, "length");
    thread->resident_memory = metrics_cell(metrics, METRIC_resident_memory_bytes, NULL);
    thread->unsent = metrics_cell(metrics, METRIC_gossip_unsent_total, NULL);
    log_sink_init(&thread->log, &server->config);
    CHECK(uv_loop_init(&thread->loop) == 0);
    mailbox_init(&thread->mailbox, &thread->loop, gossip_on_wake, thread);
    clock_real_init(&thread->clock);
    turn_init(&thread->turn, &thread->loop, &thread->clock, gossip_at_turn_end, thread);
    admin_init(&thread->admin, &thread->loop, server->shared, &thread->log);
    CHECK(seeds_parse(&thread->seeds, server->config.join, problem) == 0); /* looked at before */
    seeds_start(&thread->seeds, &thread->loop, &thread->log, gossip_on_seed, thread);
    CHECK(uv_udp_init(&thread->loop, &thread->socket) == 0);
    thread->socket.data = thread;
    int code = uv_udp_open(&thread->socket, datagram_socket);
    thread->gossiper = gossip_make(thread); /* sends at once to those it is to join */
    if (code == 0)
        code = uv_udp_recv_start(&thread->socket, gossip_on_room, gossip_on_datagram);
    if (code == 0 && admin_listen(&thread->admin, admin_socket) != 0)
        code = UV_EIO;
    if (code != 0)
        buffer_append_format(problem, "the gossip thread cannot use its sockets: %s",
                             uv_strerror(code));
    return code == 0 ? thread : NULL;
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

void gossip_thread_free(struct gossip_thread *thread) {
    CHECK(uv_thread_join(&thread->thread) == 0);
    gossiper_free(thread->gossiper);
    mailbox_release(&thread->mailbox);
    CHECK(uv_loop_close(&thread->loop) == 0);
    memory_free(thread);
}

struct mailbox *gossip_thread_mailbox(struct gossip_thread *thread) {
    return &thread->mailbox;
}
