#include "wire.h"

#include "base/memory.h"

static uint64_t wire_monotonic_us(struct clock *clock) {
    return ((struct wire *)(void *)clock)->now_us;
}

static uint64_t wire_wall_us(struct clock *clock) {
    return 1790000000000000 + ((struct wire *)(void *)clock)->now_us;
}

static void node_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    struct node *node = (struct node *)(void *)net;
    struct wire *wire = node->wire;
    assert_true(wire->count < DATAGRAM_QUEUE_MAXIMUM);
    struct queued *queued = &wire->queue[wire->count++];
    queued->from = node->address;
    queued->to = *to;
    queued->length = datagram.length;
    memcpy(queued->data, datagram.data, datagram.length);
}

static void node_post(void *context, unsigned receiver, struct mail *mail) {
    struct node *node = context;
    assert_true(receiver < WORKERS);
    assert_int_equal(mail->kind, MAIL_MEMBERS);
    assert_int_equal(mail->from, MAIL_TO_GOSSIPER);
    assert_int_equal(member_view_hear(&node->view[receiver], buffer_bytes(&mail->bytes)), 0);
    node->mails[receiver]++;
    if (receiver == 0)
        node->told += buffer_data(&mail->bytes)[1]; /* few: the varint is a byte */
    mail_free(mail);
}

/* All have sockets of IPv4. */
static bool node_has_way_to(void *context, const struct net_address *address) {
    (void)context;
    return strchr(address->host, ':') == NULL;
}

void node_start_called(struct node *node, struct wire *wire, uint8_t number, const char *name,
                       const char *join) {
    *node = (struct node){.net = {.datagram_send = node_send}, .wire = wire};
    node->address = (struct net_address){.host = "127.0.0.1", .port = (uint16_t)(17000 + number)};
    config_init(&node->config);
    struct buffer problem;
    buffer_init(&problem, 1000);
    assert_int_equal(config_set(&node->config, BYTES_LITERAL("join"), bytes_of_text(join),
                                CONFIG_SOURCE_FILE, &problem),
                     0);
    buffer_release(&problem);
    node->metrics = metrics_new();
    struct gossiper_options options = {.identity = {.uuid = {number}, .generation = 7},
                                       .config = &node->config,
                                       .peer_address = node->address,
                                       .seed = number,
                                       .worker_count = WORKERS,
                                       .clock = &wire->clock,
                                       .net = &node->net,
                                       .metrics = node->metrics,
                                       .post = node_post,
                                       .context = node,
                                       .plane = {.has_way_to = node_has_way_to}};
    snprintf(options.name, sizeof options.name, "%s", name);
    node->gossiper = gossiper_new(&options);
}

void node_start(struct node *node, struct wire *wire, uint8_t number, const char *join) {
    node_start_called(node, wire, number, "a name", join);
}

void node_end(struct node *node) {
    gossiper_free(node->gossiper);
    metrics_free(node->metrics);
    config_release(&node->config);
    for (unsigned i = 0; i < WORKERS; i++)
        member_view_release(&node->view[i]);
}

void wire_run(struct wire *wire, struct node *nodes, size_t node_count, unsigned duration_ms) {
    for (unsigned i = 0; i < duration_ms; i++) {
        wire->now_us += 1000;
        size_t count = wire->count;
        struct queued *arriving = memory_copy(wire->queue, count * sizeof *wire->queue);
        wire->count = 0;
        for (size_t n = 0; n < node_count; n++) {
            for (size_t d = 0; d < count; d++)
                if (net_address_equal(&arriving[d].to, &nodes[n].address))
                    gossiper_datagram(nodes[n].gossiper, &arriving[d].from,
                                      bytes_of(arriving[d].data, arriving[d].length));
            if (gossiper_deadline_us(nodes[n].gossiper) <= wire->now_us)
                gossiper_tick(nodes[n].gossiper);
        }
        memory_free(arriving);
    }
}

struct wire *wire_new(void) {
    struct wire *wire = memory_allocate_zeroed(1, sizeof *wire);
    wire->clock = (struct clock){.monotonic_us = wire_monotonic_us, .wall_us = wire_wall_us};
    wire->now_us = 5000000;
    return wire;
}

void node_say(struct node *node, const char *key, const char *value) {
    struct mail *mail = mail_new(MAIL_GOSSIP_SET, 0);
    mail->key = memory_copy_text(key);
    buffer_append_text(&mail->bytes, value);
    gossiper_mail(node->gossiper, mail);
}
