#include "process/gossip_plane.h"
#include "base/check.h"
#include "io/socket_address.h"

/* ---- out ---- */

static void plane_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    struct gossip_plane *plane = (struct gossip_plane *)net;
    uint8_t sealed[NET_DATAGRAM_MAXIMUM];
    struct sockaddr_storage address;
    if (plane->seal != NULL && datagram.length + SEAL_EXTRA_BYTES <= sizeof sealed) {
        seal_close(plane->seal, SEAL_DATAGRAM, datagram, sealed);
        datagram = bytes_of(sealed, datagram.length + SEAL_EXTRA_BYTES);
    } else if (plane->seal != NULL || datagram.length > sizeof sealed) {
        metric_add(plane->unsent, 1);
        return;
    }
    uv_buf_t all = uv_buf_init((char *)datagram.data, (unsigned)datagram.length);
    if (socket_address(to, &address) == 0 ||
        uv_udp_try_send(&plane->socket, &all, 1, (struct sockaddr *)&address) < 0)
        metric_add(plane->unsent, 1);
}

/* ---- in ---- */

static void plane_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct gossip_plane *plane = handle->data;
    *room = uv_buf_init((char *)plane->room, sizeof plane->room);
}

/* A stranger, or a member with another key: the one must not flood the log, the other is to be
 * found by it. */
static void plane_refuse(struct gossip_plane *plane, const struct sockaddr *from) {
    uint64_t now_us = plane->clock->monotonic_us(plane->clock);
    metric_add(plane->refused_by_seal, 1);
    plane->refused++;
    if (now_us < plane->complaint_us)
        return;
    char name[SOCKET_NAME_BYTES];
    socket_address_format(from, name);
    log_line(plane->log, LOG_WARN,
             "datagrams do not open with this cluster's key and name; a stranger, or a member that "
             "was given others",
             LOG_T("last_from", name), LOG_F("count", plane->refused));
    plane->refused = 0;
    plane->complaint_us = now_us + GOSSIP_PLANE_COMPLAINT_US;
}

static void plane_on_datagram(uv_udp_t *socket, ssize_t length, const uv_buf_t *room,
                              const struct sockaddr *from, unsigned flags) {
    struct gossip_plane *plane = socket->data;
    if (length <= 0 || from == NULL)
        return;
    if (length > NET_DATAGRAM_MAXIMUM || (flags & UV_UDP_PARTIAL)) {
        metric_add(plane->refused_by_length, 1);
        return;
    }
    struct bytes datagram = bytes_of(room->base, (size_t)length);
    if (plane->seal != NULL && seal_open(plane->seal, SEAL_DATAGRAM, (uint8_t *)room->base,
                                         (size_t)length, &datagram) != 0) {
        plane_refuse(plane, from);
        return;
    }
    struct net_address sender;
    socket_address_to_net(from, &sender);
    if (plane->faults != NULL)
        faulty_net_receive(plane->faults, &sender, datagram);
    else
        gossiper_datagram(plane->gossiper, &sender, datagram);
}

/* ---- faults ---- */

static void plane_deliver(void *context, const struct net_address *from, struct bytes datagram) {
    struct gossip_plane *plane = context;
    gossiper_datagram(plane->gossiper, from, datagram);
}

/* What the gossiper is to send by. */
static struct net *plane_door(struct gossip_plane *plane, const struct gossiper_options *options) {
    if (!options->config->fault_injection)
        return &plane->door;
    plane->faults = faulty_net_new(&(struct faulty_net_options){.net = &plane->door,
                                                                .clock = plane->clock,
                                                                .seed = options->seed,
                                                                .deliver = plane_deliver,
                                                                .context = plane});
    return faulty_net_door(plane->faults);
}

static bool plane_has_way_to(void *context, const struct net_address *address) {
    const struct gossip_plane *plane = context;
    uv_os_fd_t file;
    return uv_fileno((const uv_handle_t *)&plane->socket, &file) != 0 ||
           socket_has_way_to(file, address);
}

/* Of the addresses of a name some may be of a family that the socket is not. */
static void plane_on_seed(void *context, const struct net_address *address) {
    struct gossip_plane *plane = context;
    if (!plane_has_way_to(plane, address))
        return;
    struct mail *mail = mail_new(MAIL_GOSSIP_SEED, MAIL_TO_GOSSIPER);
    mail->address = *address;
    gossiper_mail(plane->gossiper, mail);
}

static int plane_seed_name(void *context, struct bytes text, struct buffer *problem) {
    struct gossip_plane *plane = context;
    return seeds_add(&plane->seeds, text, problem);
}

/* ---- by stream ---- */

static void plane_try_stream(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                             const struct net_address *address) {
    struct gossip_plane *plane = context;
    if (plane->faults != NULL && faulty_net_is_cut(plane->faults, address))
        return;
    stream_tries_begin(&plane->tries, uuid, address);
}

static void plane_on_answer(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                            const struct net_address *address) {
    struct gossip_plane *plane = context;
    gossiper_stream_answered(plane->gossiper, uuid, address);
}

static void plane_ask_stream(void *context, const struct gossip_stream_action *action) {
    struct gossip_plane *plane = context;
    struct net_address to = {.port = action->address.port};
    memcpy(to.host, action->address.host, sizeof to.host);
    bool is_opening = action->kind == GOSSIP_STREAM_OPEN;
    if (is_opening && plane->faults != NULL && faulty_net_is_cut(plane->faults, &to))
        return;
    catch_up_asks_do(&plane->catch_ups, action);
}

static void plane_on_piece(void *context, uint64_t stream, struct bytes piece) {
    gossiper_stream_piece(((struct gossip_plane *)context)->gossiper, stream, piece);
}

static void plane_on_stream_ended(void *context, uint64_t stream,
                                  enum gossip_stream_outcome outcome) {
    gossiper_stream_ended(((struct gossip_plane *)context)->gossiper, stream, outcome);
}

/* ---- life ---- */

static void plane_count_in(struct gossip_plane *plane, struct metrics *metrics) {
    plane->refused_by_seal = metrics_cell(metrics, METRIC_gossip_refused_total, "seal");
    plane->refused_by_length = metrics_cell(metrics, METRIC_gossip_refused_total, "length");
    plane->resident_memory = metrics_cell(metrics, METRIC_resident_memory_bytes, NULL);
    plane->unsent = metrics_cell(metrics, METRIC_gossip_unsent_total, NULL);
}

/* What the gossiper was asked to be, with this plane as its way to the others. */
static struct gossiper_options plane_options(struct gossip_plane *plane,
                                             const struct gossiper_options *options) {
    struct gossiper_options own = *options;
    own.net = plane_door(plane, options);
    own.faults = plane->faults;
    own.plane = (struct gossiper_plane){.try_stream = plane_try_stream,
                                        .seed_name = plane_seed_name,
                                        .has_way_to = plane_has_way_to,
                                        .ask_stream = plane_ask_stream,
                                        .context = plane};
    own.seal = plane->seal;
    return own;
}

static void plane_start_asks(struct gossip_plane *plane, uv_loop_t *loop) {
    grpc_asks_init(&plane->asks, loop);
    stream_tries_init(&plane->tries, &plane->asks, plane->seal, plane_on_answer, plane);
    plane->catch_ups = (struct catch_up_asks){.asks = &plane->asks,
                                              .seal = plane->seal,
                                              .piece = plane_on_piece,
                                              .ended = plane_on_stream_ended,
                                              .context = plane};
}

int gossip_plane_open(struct gossip_plane *plane, uv_loop_t *loop, int datagram_socket,
                      struct seal *seal, const struct gossiper_options *options,
                      struct buffer *problem) {
    *plane = (struct gossip_plane){.door = {.datagram_send = plane_send}};
    plane->seal = seal;
    plane->clock = options->clock;
    plane->log = options->log;
    plane_count_in(plane, options->metrics);
    CHECK(seeds_parse(&plane->seeds, options->config->join, problem) == 0); /* looked at before */
    seeds_start(&plane->seeds, loop, options->log, plane_on_seed, plane);
    CHECK(uv_udp_init(loop, &plane->socket) == 0);
    plane->socket.data = plane;
    int code = uv_udp_open(&plane->socket, datagram_socket);
    const struct gossiper_options own = plane_options(plane, options);
    plane_start_asks(plane, loop);
    plane->gossiper = gossiper_new(&own); /* sends at once to those it is to join */
    if (code == 0)
        code = uv_udp_recv_start(&plane->socket, plane_on_room, plane_on_datagram);
    if (code == 0)
        return 0;
    buffer_append_format(problem, "the datagram socket of the peer port cannot be used: %s",
                         uv_strerror(code));
    return ERR_IO;
}

void gossip_plane_measure(struct gossip_plane *plane) {
    size_t resident_bytes;
    if (uv_resident_set_memory(&resident_bytes) == 0)
        metric_set(plane->resident_memory, (int64_t)resident_bytes);
}

uint64_t gossip_plane_end_turn(struct gossip_plane *plane) {
    uint64_t now_us = plane->clock->monotonic_us(plane->clock);
    if (plane->faults != NULL)
        faulty_net_tick(plane->faults);
    if (now_us >= gossiper_deadline_us(plane->gossiper))
        gossiper_tick(plane->gossiper);
    uint64_t gossip_us = gossiper_deadline_us(plane->gossiper);
    uint64_t held_us = plane->faults != NULL ? faulty_net_deadline_us(plane->faults) : UINT64_MAX;
    return gossip_us < held_us ? gossip_us : held_us;
}

void gossip_plane_close(struct gossip_plane *plane) {
    seeds_close(&plane->seeds);
    stream_tries_close(&plane->tries);
    catch_up_asks_close(&plane->catch_ups);
    uv_close((uv_handle_t *)&plane->socket, NULL);
}

void gossip_plane_release(struct gossip_plane *plane) {
    gossiper_free(plane->gossiper);
    if (plane->faults != NULL)
        faulty_net_free(plane->faults);
    plane->gossiper = NULL;
}
