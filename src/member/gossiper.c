#include "member/gossiper.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "member/gossip_news.h"
#include "member/gossiper_internal.h"
#include "member/said_keys.h"
#include "member/stream_mail.h"
#include "tuning/tuning.h"
#include <stdio.h>

/* Between two MAIL_MEMBERS, so that a storm of changes is one mail to a worker in this time. Where
 * members are many so are those heard meanwhile, and it comes less often. */
enum { VIEW_PAUSE_US = 10000, VIEW_PAUSE_A_MEMBER_US = 20 };
enum { LOSS_PAUSE_US = 60000000 /* between two log lines that datagrams are lost */ };
enum { GOSSIPER_PROBLEM_BYTES = 512 };

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

static void gossiper_tell_workers(struct gossiper *gossiper, uint64_t now_us) {
    struct mail *mail = mail_new(MAIL_MEMBERS, MAIL_TO_GOSSIPER);
    buffer_init(&mail->bytes, MEMBER_VIEW_BYTES_MAXIMUM + 16);
    gossiper->has_changed =
        member_changes_take(&gossiper->changes, gossiper->gossip, now_us, &mail->bytes);
    for (unsigned worker = 1; worker < gossiper->worker_count; worker++)
        gossiper->post(gossiper->context, worker, mail_copy(mail));
    gossiper->post(gossiper->context, 0, mail);
}

/* An agent is worker 0 to its gossiper. */
unsigned gossiper_receiver_count(const struct gossiper *gossiper) {
    return gossiper->worker_count ? gossiper->worker_count : 1;
}

/* Each change at once: a view may be late, news may not. */
static void gossiper_tell_watchers(struct gossiper *gossiper,
                                   const struct gossip_actions *actions) {
    struct mail *news = NULL;
    for (unsigned to = 0; actions->change_count > 0 && to < gossiper_receiver_count(gossiper);
         to++) {
        if (!gossiper->is_watching[to] || (news != NULL && PLANTED(GOSSIP_NEWS_TO_THE_FIRST)))
            continue;
        if (news == NULL) {
            news = mail_new(MAIL_GOSSIP_NEWS, MAIL_TO_GOSSIPER);
            buffer_init(&news->bytes, GOSSIP_NEWS_BYTES_MAXIMUM);
            for (size_t i = 0; i < actions->change_count; i++)
                gossip_news_append(&news->bytes, gossiper->gossip, &actions->changes[i]);
        }
        gossiper->post(gossiper->context, to, mail_copy(news));
    }
    mail_free(news);
}

static uint64_t gossiper_view_pause_us(const struct gossiper *gossiper) {
    uint64_t pause_us = gossip_member_count(gossiper->gossip) * VIEW_PAUSE_A_MEMBER_US;
    return pause_us > VIEW_PAUSE_US ? pause_us : VIEW_PAUSE_US;
}

static void gossiper_tell_if_due(struct gossiper *gossiper, uint64_t now_us) {
    if (!gossiper->has_changed || now_us < gossiper->view_due_us)
        return;
    gossiper->has_changed = false;
    gossiper->view_due_us = now_us + gossiper_view_pause_us(gossiper);
    gossip_meter_members(&gossiper->meter, gossiper->gossip);
    if (gossiper->worker_count > 0)
        gossiper_tell_workers(gossiper, now_us);
}

static void gossiper_stream(struct gossiper *gossiper, const struct gossip_stream_action *action) {
    if (action->kind == GOSSIP_STREAM_OPEN || action->kind == GOSSIP_STREAM_DROP) {
        gossiper->plane.ask_stream(gossiper->plane.context, action);
        return;
    }
    unsigned worker;
    struct mail *mail = stream_mail_answer(action, &worker);
    gossiper->post(gossiper->context, worker, mail);
}

void gossiper_step(struct gossiper *gossiper, struct gossip_event event) {
    struct gossip_actions actions;
    event.now_us = gossiper->clock->monotonic_us(gossiper->clock);
    event.wall_us = gossiper->clock->wall_us(gossiper->clock);
    gossip_step(gossiper->gossip, &event, &actions);
    gossiper->gossip_deadline_us = actions.deadline_us;
    metric_set(gossiper->uptime, (int64_t)(event.now_us - gossiper->started_us));
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct net_address to = net_address_of(&actions.datagrams[i].to);
        gossip_meter_sent(&gossiper->meter, actions.datagrams[i].bytes);
        gossiper->net->datagram_send(gossiper->net, &to, actions.datagrams[i].bytes);
    }
    for (size_t i = 0; i < actions.stream_try_count && gossiper->plane.try_stream != NULL; i++) {
        struct net_address to = net_address_of(&actions.stream_tries[i].address);
        gossiper->plane.try_stream(gossiper->plane.context, actions.stream_tries[i].uuid, &to);
    }
    for (size_t i = 0; i < actions.stream_count; i++)
        gossiper_stream(gossiper, &actions.streams[i]);
    uint64_t forgotten = gossiper->meter.counted.members_forgotten;
    gossip_meter_step(&gossiper->meter, gossiper->gossip, &actions, event.wall_us);
    gossiper_tell_watchers(gossiper, &actions);
    gossiper->has_changed |=
        actions.change_count > 0 || gossiper->meter.counted.members_forgotten != forgotten;
    if (gossiper->worker_count > 0)
        member_changes_note(&gossiper->changes, &actions);
    gossiper_tell_if_due(gossiper, event.now_us);
}

/* Making and ending. */

void gossiper_name(const char *setting, const struct net_address *client,
                   char out[GOSSIPER_NAME_BYTES]) {
    char address[NET_HOST_MAXIMUM + 10];
    net_address_format(client, address);
    snprintf(out, GOSSIPER_NAME_BYTES, "%.*s", GOSSIPER_NAME_BYTES - 1,
             setting[0] != '\0' ? setting : address);
}

int gossiper_check_name(const char *setting, struct buffer *problem) {
    if (strlen(setting) < GOSSIPER_NAME_BYTES && bytes_are_word(bytes_of_text(setting)))
        return 0;
    buffer_append_format(problem,
                         "name: '%.80s' is no name; one has at most %d bytes of printable ASCII "
                         "without spaces",
                         setting, GOSSIPER_NAME_BYTES - 1);
    return ERR_INVALID;
}

void gossiper_seed(struct gossiper *gossiper, const struct net_address *address) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_SEED,
                                                  .address = gossip_address_of(address)});
}

static bool has_way_to(const struct gossiper *gossiper, const struct net_address *address) {
    return gossiper->plane.has_way_to == NULL ||
           gossiper->plane.has_way_to(gossiper->plane.context, address);
}

int gossiper_seed_text(struct gossiper *gossiper, struct bytes text, struct buffer *problem) {
    struct net_address address;
    bool is_address = net_address_parse(&address, text) == 0;
    if (is_address && has_way_to(gossiper, &address)) {
        gossiper_seed(gossiper, &address);
        return 0;
    }
    if (is_address) {
        buffer_append_format(problem, "%.*s is an address of IPv6, and this member's is of IPv4",
                             BYTES_PRINT(text));
        return ERR_INVALID;
    }
    if (gossiper->plane.seed_name != NULL)
        return gossiper->plane.seed_name(gossiper->plane.context, text, problem);
    buffer_append_text(problem,
                       "a seed is IP:PORT, the peer port of a member, as in 10.0.0.1:17001");
    return ERR_INVALID;
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
    struct buffer problem;
    if (net_address_parse(&address, text) != 0)
        return;
    buffer_init(&problem, GOSSIPER_PROBLEM_BYTES);
    if (gossiper_seed_text(gossiper, text, &problem) != 0) {
        buffer_append_u8(&problem, '\0');
        log_line(gossiper->log, LOG_WARN, "a seed is left out",
                 LOG_T("cause", (const char *)buffer_data(&problem)));
    }
    buffer_release(&problem);
}

void gossiper_say_zone(struct gossiper *gossiper) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_SET,
                                                  .key = BYTES_LITERAL(GOSSIP_KEY_ZONE),
                                                  .value = bytes_of_text(gossiper->config.zone),
                                                  .priority = GOSSIP_CLUSTER});
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
                                    .is_sealed = options->seal != NULL,
                                    .has_streams = options->plane.ask_stream != NULL,
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
    gossiper->faults = options->faults;
    gossiper->log = options->log;
    gossiper->worker_count = options->worker_count;
    gossiper->post = options->post;
    gossiper->context = options->context;
    gossiper->seal = options->seal;
    gossip_meter_init(&gossiper->meter, options->metrics);
    member_changes_init(&gossiper->changes);
    gossiper->plane = options->plane;
    gossiper->started_us = gossiper->clock->monotonic_us(gossiper->clock);
    gossiper->uptime = metrics_cell(options->metrics, METRIC_uptime_seconds, NULL);
    gossiper->stream_answers =
        metrics_cell(options->metrics, METRIC_gossip_stream_answers_total, NULL);
    gossiper->is_watching =
        memory_allocate_zeroed(gossiper_receiver_count(gossiper), sizeof *gossiper->is_watching);
    gossiper->gossip = gossiper_make_gossip(options, &gossiper->config);
    gossiper->view_due_us =
        UINT64_MAX; /* nothing is posted before the first tick: the workers may not be there yet */
    gossiper->has_changed = true;
    if (gossiper->config.zone[0] != 0)
        gossiper_say_zone(gossiper);
    gossiper_join_all(gossiper);
    gossiper->view_due_us = 0;
    gossiper->gossip_deadline_us = 0;
    return gossiper;
}

void gossiper_free(struct gossiper *gossiper) {
    if (gossiper == NULL)
        return;
    gossip_free(gossiper->gossip);
    member_changes_release(&gossiper->changes);
    memory_free(gossiper->is_watching);
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

/* What redirects depend on goes before what the node is, and that before what users say. */
static enum gossip_priority gossiper_priority(struct bytes key) {
    static const char *const cluster[] = {GOSSIP_SAYS_CLUSTER, GOSSIP_SAYS_EPOCH, GOSSIP_SAYS_LEADS,
                                          GOSSIP_SAYS_SETTLED};
    static const char *const state[] = {GOSSIP_SAYS_CLIENT,  GOSSIP_SAYS_ADMIN,
                                        GOSSIP_SAYS_KIND,    GOSSIP_SAYS_STANDING,
                                        GOSSIP_SAYS_VERSION, GOSSIP_SAYS_LEVEL};
    for (size_t i = 0; i < sizeof cluster / sizeof *cluster; i++)
        if (bytes_equal(key, bytes_of_text(cluster[i])))
            return GOSSIP_CLUSTER;
    for (size_t i = 0; i < sizeof state / sizeof *state; i++)
        if (bytes_equal(key, bytes_of_text(state[i])))
            return GOSSIP_STATE;
    return GOSSIP_REST;
}

const struct gossip *gossiper_gossip(const struct gossiper *gossiper) { return gossiper->gossip; }

struct seal *gossiper_seal(const struct gossiper *gossiper) {
    return gossiper->seal;
}

struct faulty_net *gossiper_faults(const struct gossiper *gossiper) {
    return gossiper->faults;
}

const struct config *gossiper_config(const struct gossiper *gossiper) { return &gossiper->config; }

uint64_t gossiper_later_generation(const struct gossiper *gossiper) {
    struct gossip_counters counters;
    gossip_counters(gossiper->gossip, &counters);
    return counters.later_generation;
}

uint64_t gossiper_now_us(const struct gossiper *gossiper) {
    return gossiper->clock->monotonic_us(gossiper->clock);
}

void gossiper_say(struct gossiper *gossiper, struct bytes key, struct bytes value) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_SET,
                                                  .key = key,
                                                  .value = value,
                                                  .priority = gossiper_priority(key)});
}

void gossiper_contact(struct gossiper *gossiper, struct bytes uuid) {
    struct gossip_event event = {.kind = GOSSIP_CONTACT};
    CHECK(uuid.length == sizeof event.uuid);
    memcpy(event.uuid, uuid.data, sizeof event.uuid);
    gossiper_step(gossiper, event);
}

void gossiper_stream_answered(struct gossiper *gossiper, const uint8_t uuid[GOSSIP_UUID_BYTES],
                              const struct net_address *address) {
    uint64_t now_us = gossiper_now_us(gossiper);
    metric_add(gossiper->stream_answers, 1);
    gossiper_contact(gossiper, bytes_of(uuid, GOSSIP_UUID_BYTES));
    if (gossiper->loss_told_us != 0 && now_us - gossiper->loss_told_us < LOSS_PAUSE_US)
        return;
    char text[NET_HOST_MAXIMUM + 10];
    net_address_format(address, text);
    log_line(gossiper->log, LOG_WARN,
             "datagrams to a member are lost, streams are not; is UDP let through both ways?",
             LOG_T("address", text));
    gossiper->loss_told_us = now_us;
}

void gossiper_stream_piece(struct gossiper *gossiper, uint64_t stream, struct bytes piece) {
    gossiper_step(gossiper, (struct gossip_event){
                                .kind = GOSSIP_STREAM_PIECE, .stream = stream, .bytes = piece});
}

void gossiper_stream_ended(struct gossiper *gossiper, uint64_t stream,
                           enum gossip_stream_outcome outcome) {
    gossiper_step(gossiper, (struct gossip_event){
                                .kind = GOSSIP_STREAM_ENDED, .stream = stream, .outcome = outcome});
}

void gossiper_tick(struct gossiper *gossiper) {
    gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_TICK});
}

uint64_t gossiper_deadline_us(const struct gossiper *gossiper) {
    bool is_view_first =
        gossiper->has_changed && gossiper->view_due_us < gossiper->gossip_deadline_us;
    return is_view_first ? gossiper->view_due_us : gossiper->gossip_deadline_us;
}
