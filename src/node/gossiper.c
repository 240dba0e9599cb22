#include "node/gossiper.h"
#include "base/check.h"
#include "base/memory.h"
#include "node/gossip_meter.h"
#include "node/member_view.h"
#include "tuning/tuning.h"
#include <stdio.h>

enum {
    VIEW_PAUSE_US = 10000 /* between two MAIL_MEMBERS: a storm of changes is one mail to a worker
                             in this time */
};

struct gossiper {
    struct gossip *gossip;
    struct config config; /* own copy: the gossip settings of it are kept up to date */
    struct clock *clock;
    struct net *net;
    const struct log *log;
    unsigned worker_count;
    void (*post)(void *context, unsigned receiver, struct mail *mail);
    void *context;

    uint64_t gossip_deadline_us;
    bool has_changed;     /* since the last view was told */
    uint64_t view_due_us; /* not before this */
    struct gossip_meter meter;
};

/* Addresses are the same two fields in both layers, which do not know each other. */
static struct gossip_address gossip_address_of(const struct net_address *address) {
    struct gossip_address same = {.port = address->port};
    memcpy(same.host, address->host, sizeof same.host);
    return same;
}

static struct net_address net_address_of(const struct gossip_address *address) {
    struct net_address same = {.port = address->port};
    memcpy(same.host, address->host, sizeof same.host);
    return same;
}

/* Telling the workers. */

static void gossiper_tell_workers(struct gossiper *gossiper) {
    struct buffer view;
    buffer_init(&view, MEMBER_VIEW_BYTES_MAXIMUM + 16);
    member_view_encode(gossiper->gossip, &view);
    for (unsigned worker = 0; worker < gossiper->worker_count; worker++) {
        struct mail *mail = mail_new(MAIL_MEMBERS, MAIL_TO_GOSSIPER);
        buffer_init(&mail->bytes, MEMBER_VIEW_BYTES_MAXIMUM + 16);
        buffer_append_bytes(&mail->bytes, buffer_bytes(&view));
        gossiper->post(gossiper->context, worker, mail);
    }
    buffer_release(&view);
    gossip_meter_members(&gossiper->meter, gossiper->gossip);
}

static void gossiper_tell_if_due(struct gossiper *gossiper, uint64_t now_us) {
    if (!gossiper->has_changed || now_us < gossiper->view_due_us)
        return;
    gossiper->has_changed = false;
    gossiper->view_due_us = now_us + VIEW_PAUSE_US;
    gossiper_tell_workers(gossiper);
}

static void gossiper_step(struct gossiper *gossiper, struct gossip_event event) {
    struct gossip_actions actions;
    event.now_us = gossiper->clock->monotonic_us(gossiper->clock);
    event.wall_us = gossiper->clock->wall_us(gossiper->clock);
    gossip_step(gossiper->gossip, &event, &actions);
    gossiper->gossip_deadline_us = actions.deadline_us;
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct net_address to = net_address_of(&actions.datagrams[i].to);
        gossip_meter_sent(&gossiper->meter, actions.datagrams[i].bytes);
        gossiper->net->datagram_send(gossiper->net, &to, actions.datagrams[i].bytes);
    }
    gossip_meter_step(&gossiper->meter, gossiper->gossip, &actions);
    gossiper->has_changed |= actions.change_count > 0;
    gossiper_tell_if_due(gossiper, event.now_us);
}

/* Making and ending. */

static void gossiper_add_seed(struct gossiper *gossiper, const struct net_address *address) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_SEED,
                                                  .address = gossip_address_of(address)});
}

/* One of `join`: an address, or localhost. Other names are for the owner to resolve, and to hand in
 * as MAIL_GOSSIP_SEED. */
static void gossiper_join(struct gossiper *gossiper, struct bytes text) {
    static const char localhost[] = "localhost:";
    char numeric[NET_HOST_MAXIMUM];
    size_t prefix = sizeof localhost - 1;
    if (text.length > prefix && text.length < sizeof numeric &&
        memcmp(text.data, localhost, prefix) == 0) {
        int length = snprintf(numeric, sizeof numeric, "127.0.0.1:%.*s",
                              (int)(text.length - prefix), (const char *)text.data + prefix);
        text = bytes_of(numeric, (size_t)length);
    }
    struct net_address address;
    if (net_address_parse(&address, text) == 0)
        gossiper_add_seed(gossiper, &address);
}

static void gossiper_join_all(struct gossiper *gossiper) {
    const char *at = gossiper->config.join;
    while (*at != 0) {
        size_t length = strcspn(at, ", ");
        if (length > 0)
            gossiper_join(gossiper, bytes_of(at, length));
        at += length + (at[length] != 0);
    }
}

static struct gossip *gossiper_make_gossip(const struct gossiper_options *options,
                                           const struct config *config) {
    struct gossip_options gossip = {.generation = options->identity.generation,
                                    .address = gossip_address_of(&options->peer_address),
                                    .timing = tuning_timing(config),
                                    .seed = options->seed,
                                    .now_us = options->clock->monotonic_us(options->clock),
                                    .log = options->log};
    memcpy(gossip.uuid, options->identity.uuid, GOSSIP_UUID_BYTES);
    memcpy(gossip.name, options->name, sizeof gossip.name);
    return gossip_new(&gossip);
}

struct gossiper *gossiper_new(const struct gossiper_options *options) {
    struct gossiper *gossiper = memory_allocate_zeroed(1, sizeof *gossiper);
    config_copy(&gossiper->config, options->config);
    gossiper->clock = options->clock;
    gossiper->net = options->net;
    gossiper->log = options->log;
    gossiper->worker_count = options->worker_count;
    gossiper->post = options->post;
    gossiper->context = options->context;
    gossip_meter_init(&gossiper->meter, options->metrics);
    gossiper->gossip = gossiper_make_gossip(options, &gossiper->config);
    gossiper->view_due_us =
        UINT64_MAX; /* nothing is posted before the first tick: the workers may not be there yet */
    gossiper->has_changed = true;
    gossiper_join_all(gossiper);
    gossiper->view_due_us = 0;
    gossiper->gossip_deadline_us = 0;
    return gossiper;
}

void gossiper_free(struct gossiper *gossiper) {
    if (gossiper == NULL)
        return;
    gossip_free(gossiper->gossip);
    config_release(&gossiper->config);
    memory_free(gossiper);
}

/* What comes in. */

void gossiper_datagram(struct gossiper *gossiper, const struct net_address *from,
                       struct bytes datagram) {
    gossip_meter_received(&gossiper->meter, datagram);
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                                  .address = gossip_address_of(from),
                                                  .bytes = datagram});
}

static void gossiper_take_settings(struct gossiper *gossiper, struct bytes pairs) {
    struct buffer problem;
    struct bytes name, value;
    buffer_init(&problem, LOG_LINE_MAXIMUM);
    while (mail_next_setting(&pairs, &name, &value)) {
        int code = config_set(&gossiper->config, name, value, CONFIG_SOURCE_LIVE, &problem);
        CHECK(code == 0); /* worker 0 has tried it */
    }
    buffer_release(&problem);
    struct gossip_timing timing = tuning_timing(&gossiper->config);
    gossip_set_timing(gossiper->gossip, &timing);
    gossiper->gossip_deadline_us = 0; /* the next tick learns the new one */
}

/* What redirects depend on goes before what the node is, and that before what users say. */
static enum gossip_priority gossiper_priority(const char *key) {
    static const char *const cluster[] = {GOSSIP_SAYS_CLUSTER, GOSSIP_SAYS_EPOCH, GOSSIP_SAYS_LEADS,
                                          GOSSIP_SAYS_SETTLED};
    static const char *const state[] = {GOSSIP_SAYS_CLIENT, GOSSIP_SAYS_ADMIN, GOSSIP_SAYS_STANDING,
                                        GOSSIP_SAYS_VERSION};
    for (size_t i = 0; i < sizeof cluster / sizeof *cluster; i++)
        if (strcmp(key, cluster[i]) == 0)
            return GOSSIP_CLUSTER;
    for (size_t i = 0; i < sizeof state / sizeof *state; i++)
        if (strcmp(key, state[i]) == 0)
            return GOSSIP_STATE;
    return GOSSIP_REST;
}

static void gossiper_take(struct gossiper *gossiper, const struct mail *mail) {
    CHECK(mail->kind != MAIL_GOSSIP_SET || mail->key != NULL);
    switch (mail->kind) {
    case MAIL_GOSSIP_SET:
        gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_SET,
                                                      .key = bytes_of_text(mail->key),
                                                      .value = buffer_bytes(&mail->bytes),
                                                      .priority = gossiper_priority(mail->key)});
        return;
    case MAIL_GOSSIP_SEED:
        gossiper_add_seed(gossiper, &mail->address);
        return;
    case MAIL_GOSSIP_LEAVE:
        gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_LEAVE});
        return;
    case MAIL_SETTINGS:
        gossiper_take_settings(gossiper, buffer_bytes(&mail->bytes));
        return;
    case MAIL_COMMAND:
    case MAIL_REPLY:
    case MAIL_PEER:
    case MAIL_TOPOLOGY:
    case MAIL_LEADER:
    case MAIL_MEMBERS:
    case MAIL_CLIENT:
    case MAIL_SETTINGS_CALL:
    case MAIL_SETTINGS_FILE:
        return; /* between workers */
    }
}

void gossiper_mail(struct gossiper *gossiper, struct mail *mail) {
    gossiper_take(gossiper, mail);
    mail_free(mail);
}

void gossiper_tick(struct gossiper *gossiper) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_TICK});
}

uint64_t gossiper_deadline_us(const struct gossiper *gossiper) {
    bool is_view_first =
        gossiper->has_changed && gossiper->view_due_us < gossiper->gossip_deadline_us;
    return is_view_first ? gossiper->view_due_us : gossiper->gossip_deadline_us;
}
