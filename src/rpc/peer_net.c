#include "rpc/peer_net.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "rpc/grpc_client.h"
#include "rpc/http2.h"

struct peer {
    struct peer_net *peer_net;
    uint32_t node_number;
    struct grpc_client *client;
    uint64_t told_ms; /* when its loss was logged last; 0: never */
};

struct peer_net {
    struct net door;
    struct peer_net_options options;
    struct table *peers; /* node number -> struct peer */
    struct grpc_server *server;
    uv_timer_t timer;
    uint8_t *input;
    struct metric_cell *dropped;
};

static struct bytes peer_key(const uint32_t *node_number) {
    return bytes_of(node_number, sizeof *node_number);
}

static void peer_on_lost(void *context, const char *reason) {
    struct peer *peer = context;
    const struct peer_net_options *options = &peer->peer_net->options;
    uint64_t now_ms = uv_now(options->loop);
    if (peer->told_ms == 0 || now_ms - peer->told_ms >= PEER_NET_COMPLAINT_MS) {
        char address[NET_HOST_MAXIMUM + 10];
        net_address_format(grpc_client_address(peer->client), address);
        log_line(options->log, LOG_WARN, "the stream to a peer is lost",
                 LOG_F("peer", peer->node_number), LOG_T("address", address),
                 LOG_T("cause", reason));
        peer->told_ms = now_ms;
    }
    options->lost(options->context, peer->node_number);
}

static struct peer *peer_new(struct peer_net *peer_net, uint32_t node_number) {
    struct peer *peer = memory_allocate_zeroed(1, sizeof *peer);
    *peer = (struct peer){.peer_net = peer_net, .node_number = node_number};
    peer->client = grpc_client_new(&(struct grpc_client_options){.loop = peer_net->options.loop,
                                                                 .input = peer_net->input,
                                                                 .seal = peer_net->options.seal,
                                                                 .lost = peer_on_lost,
                                                                 .freed = memory_free,
                                                                 .context = peer});
    CHECK(table_put(peer_net->peers, peer_key(&peer->node_number), peer) == NULL);
    return peer;
}

static void peer_net_set(struct net *net, uint32_t node_number, const struct net_address *address) {
    struct peer_net *peer_net = (struct peer_net *)net;
    struct peer *peer = table_get(peer_net->peers, peer_key(&node_number));
    if (peer == NULL)
        peer = peer_new(peer_net, node_number);
    grpc_client_set_address(peer->client, address);
}

static bool peer_net_send(struct net *net, uint32_t node_number, struct bytes message) {
    struct peer_net *peer_net = (struct peer_net *)net;
    struct peer *peer = table_get(peer_net->peers, peer_key(&node_number));
    bool is_sent = peer != NULL && grpc_client_send(peer->client, message);
    if (!is_sent)
        metric_add(peer_net->dropped, 1);
    return is_sent;
}

static bool peer_net_link(struct net *net, uint32_t node_number, struct net_link *link) {
    struct peer_net *peer_net = (struct peer_net *)net;
    struct peer *peer = table_get(peer_net->peers, peer_key(&node_number));
    return peer != NULL && grpc_client_link(peer->client, link);
}

static void peer_net_on_timer(uv_timer_t *timer) {
    struct peer_net *peer_net = timer->data;
    size_t position = 0;
    struct bytes key;
    void *peer;
    while (table_walk(peer_net->peers, &position, &key, &peer))
        grpc_client_check_alive(((struct peer *)peer)->client);
}

struct peer_net *peer_net_new(const struct peer_net_options *options) {
    struct peer_net *peer_net = memory_allocate_zeroed(1, sizeof *peer_net);
    peer_net->door = (struct net){
        .peer_set = peer_net_set, .peer_send = peer_net_send, .peer_link = peer_net_link};
    peer_net->options = *options;
    peer_net->peers = table_new();
    peer_net->dropped = metrics_cell(options->metrics, METRIC_peer_dropped_total, NULL);
    peer_net->input = memory_allocate(HTTP2_INPUT_BYTES);
    peer_net->server = grpc_server_new(
        &(struct grpc_server_options){.loop = options->loop,
                                      .input = peer_net->input,
                                      .seal = options->seal,
                                      .identity = options->identity,
                                      .log = options->log,
                                      .connection_maximum = options->connection_maximum,
                                      .exchange = options->exchange,
                                      .is_serving = options->is_serving,
                                      .gossip_stream = options->gossip_stream,
                                      .context = options->context});
    CHECK(uv_timer_init(options->loop, &peer_net->timer) == 0);
    peer_net->timer.data = peer_net;
    CHECK(uv_timer_start(&peer_net->timer, peer_net_on_timer, GRPC_SERVER_CHECK_MS,
                         GRPC_SERVER_CHECK_MS) == 0);
    return peer_net;
}

struct net *peer_net_door(struct peer_net *peer_net) {
    return &peer_net->door;
}

void peer_net_stream(struct peer_net *peer_net, const struct gossip_stream_action *action) {
    grpc_server_stream(peer_net->server, action);
}

int peer_net_listen(struct peer_net *peer_net, int socket) {
    return grpc_server_listen(peer_net->server, socket);
}

void peer_net_close(struct peer_net *peer_net) {
    grpc_server_free(peer_net->server);
    uv_close((uv_handle_t *)&peer_net->timer, NULL);
    size_t position = 0;
    struct bytes key;
    void *peer;
    while (table_walk(peer_net->peers, &position, &key, &peer)) {
        table_remove(peer_net->peers, key);
        grpc_client_free(((struct peer *)peer)->client);
    }
}

void peer_net_free(struct peer_net *peer_net) {
    table_free(peer_net->peers);
    memory_free(peer_net->input);
    memory_free(peer_net);
}
