#include "base/check.h"
#include "base/memory.h"
#include "library/inside.h"
#include "tuning/tuning.h"

enum { LIBRARY_SENTENCE_MAXIMUM = 4096 };
static const char SETTINGS_PREFIX[] = "gossip-";
#define LIBRARY_GENERATION_LIMIT (UINT64_C(1) << 62)

/* ---- making and ending ---- */

static void library_log(void *context, enum log_level level, struct bytes line) {
    const struct troth_gossip *gossip = context;
    char text[LOG_LINE_MAXIMUM + 1];
    size_t length = line.length < sizeof text ? line.length : sizeof text - 1;
    while (length > 0 && line.data[length - 1] == '\n')
        length--;
    memcpy(text, line.data, length);
    text[length] = 0;
    gossip->tell(gossip->context, (enum troth_gossip_log_level)level, text);
}

static struct gossip_address inner_address(const struct troth_gossip_address *address) {
    struct gossip_address same = {.port = address->port};
    memcpy(same.host, address->host, sizeof same.host);
    return same;
}

int troth_gossip_new(const struct troth_gossip_options *options, struct troth_gossip **out) {
    const char *name = options->name == NULL ? "" : options->name;
    if (!library_is_address(&options->address) || options->generation >= LIBRARY_GENERATION_LIMIT ||
        strlen(name) >= TROTH_GOSSIP_NAME_BYTES)
        return TROTH_GOSSIP_INVALID;
    struct troth_gossip *gossip = memory_allocate_zeroed(1, sizeof *gossip);
    config_init(&gossip->config);
    gossip->tell = options->log;
    gossip->context = options->context;
    gossip->log = (struct log){.level = LOG_DEBUG, .sink = library_log, .context = gossip};
    struct gossip_options inner = {.generation = options->generation,
                                   .address = inner_address(&options->address),
                                   .timing = tuning_timing(&gossip->config),
                                   .seed = options->seed,
                                   .is_sealed = options->is_sealed,
                                   .now_us = options->now_us,
                                   .log = options->log != NULL ? &gossip->log : NULL};
    memcpy(inner.uuid, options->uuid, sizeof inner.uuid);
    memcpy(inner.name, name, strlen(name));
    gossip->gossip = gossip_new(&inner);
    gossip->deadline_us = options->now_us; /* until the first step says */
    *out = gossip;
    return 0;
}

void troth_gossip_free(struct troth_gossip *gossip) {
    if (gossip == NULL)
        return;
    gossip_free(gossip->gossip);
    config_release(&gossip->config);
    memory_free(gossip->datagrams);
    memory_free(gossip->changes);
    memory_free(gossip->tries);
    memory_free(gossip);
}

int troth_gossip_configure(struct troth_gossip *gossip, const char *name, const char *value,
                           char *problem, size_t problem_bytes) {
    struct buffer sentence;
    buffer_init(&sentence, LIBRARY_SENTENCE_MAXIMUM);
    struct config changed;
    int code = ERR_NOT_FOUND;
    config_copy(&changed, &gossip->config);
    if (strncmp(name, SETTINGS_PREFIX, sizeof SETTINGS_PREFIX - 1) != 0)
        buffer_append_format(&sentence,
                             "'%.80s' is no setting of gossip; their names begin with %s", name,
                             SETTINGS_PREFIX);
    else
        code = config_set(&changed, bytes_of_text(name), bytes_of_text(value), CONFIG_SOURCE_LIVE,
                          &sentence);
    if (code == 0)
        code = config_check(&changed, &sentence);
    if (code == 0) {
        config_release(&gossip->config);
        config_copy(&gossip->config, &changed);
        struct gossip_timing timing = tuning_timing(&gossip->config);
        gossip_set_timing(gossip->gossip, &timing);
        gossip->deadline_us = 0; /* until the next step says */
    }
    config_release(&changed);
    return library_complain(code, &sentence, problem, problem_bytes);
}

/* ---- a step ---- */

static bool is_reserved(struct bytes key) {
    return bytes_equal(key, bytes_of_text(GOSSIP_KEY_COORDINATE));
}

/* Would the core take this key? It says so to its log only. */
static int check_key(const struct troth_gossip *gossip, struct bytes key) {
    struct bytes own_key, own_value;
    uint64_t version;
    size_t position = 0, count = 0;
    if (key.length == 0)
        return TROTH_GOSSIP_INVALID;
    if (key.length > GOSSIP_KEY_MAXIMUM)
        return TROTH_GOSSIP_LIMIT;
    if (is_reserved(key))
        return TROTH_GOSSIP_REFUSED;
    const struct gossip_member *self = gossip_member_at(gossip->gossip, 0);
    while (gossip_walk_keys(gossip->gossip, self, &position, &own_key, &own_value, &version)) {
        if (bytes_equal(own_key, key))
            return 0;
        count++;
    }
    return count < GOSSIP_KEYS_PER_MEMBER_MAXIMUM ? 0 : TROTH_GOSSIP_LIMIT;
}

static struct bytes inner_bytes(struct troth_gossip_bytes bytes) {
    return bytes_of(bytes.data, bytes.length);
}

/* GOSSIP_URGENT, which keys never are, stands for what is no priority. */
static enum gossip_priority inner_priority(enum troth_gossip_priority priority) {
    switch (priority) {
    case TROTH_GOSSIP_PRIORITY_REST:
        return GOSSIP_REST;
    case TROTH_GOSSIP_PRIORITY_STATE:
        return GOSSIP_STATE;
    case TROTH_GOSSIP_PRIORITY_CLUSTER:
        return GOSSIP_CLUSTER;
    }
    return GOSSIP_URGENT;
}

/* The core's event for the library's. INVALID, LIMIT, REFUSED. */
static int inner_event(const struct troth_gossip *gossip, const struct troth_gossip_event *event,
                       struct gossip_event *out) {
    *out = (struct gossip_event){
        .kind = GOSSIP_TICK, .now_us = event->now_us, .wall_us = event->wall_us};
    switch (event->kind) {
    case TROTH_GOSSIP_TICK:
        return 0;
    case TROTH_GOSSIP_DATAGRAM:
        out->kind = GOSSIP_DATAGRAM;
        out->address = inner_address(&event->address);
        out->bytes = inner_bytes(event->bytes);
        return library_is_address(&event->address) ? 0 : TROTH_GOSSIP_INVALID;
    case TROTH_GOSSIP_SET:
        out->kind = GOSSIP_SET;
        out->key = inner_bytes(event->key);
        out->value = inner_bytes(event->value);
        out->priority = inner_priority(event->priority);
        if (out->value.length == 0 || out->priority == GOSSIP_URGENT)
            return TROTH_GOSSIP_INVALID;
        if (out->value.length > GOSSIP_VALUE_MAXIMUM)
            return TROTH_GOSSIP_LIMIT;
        return check_key(gossip, out->key);
    case TROTH_GOSSIP_REMOVE:
        out->kind = GOSSIP_SET; /* of nothing */
        out->key = inner_bytes(event->key);
        if (out->key.length == 0 || out->key.length > GOSSIP_KEY_MAXIMUM)
            return TROTH_GOSSIP_INVALID;
        return is_reserved(out->key) ? TROTH_GOSSIP_REFUSED : 0;
    case TROTH_GOSSIP_SEED:
        out->kind = GOSSIP_SEED;
        out->address = inner_address(&event->address);
        return library_is_address(&event->address) ? 0 : TROTH_GOSSIP_INVALID;
    case TROTH_GOSSIP_LEAVE:
        out->kind = GOSSIP_LEAVE;
        return 0;
    case TROTH_GOSSIP_CONTACT:
        out->kind = GOSSIP_CONTACT;
        memcpy(out->uuid, event->uuid, sizeof out->uuid);
        return 0;
    }
    return TROTH_GOSSIP_INVALID;
}

static void show_datagrams(struct troth_gossip *gossip, const struct gossip_actions *inner) {
    if (gossip->datagram_capacity < inner->datagram_count) {
        gossip->datagram_capacity = 2 * inner->datagram_count;
        gossip->datagrams =
            memory_resize(gossip->datagrams, gossip->datagram_capacity * sizeof *gossip->datagrams);
    }
    for (size_t i = 0; i < inner->datagram_count; i++) {
        const struct gossip_datagram *datagram = &inner->datagrams[i];
        struct troth_gossip_datagram *shown = &gossip->datagrams[i];
        *shown = (struct troth_gossip_datagram){
            .to.port = datagram->to.port, .bytes = {datagram->bytes.data, datagram->bytes.length}};
        memcpy(shown->to.host, datagram->to.host, sizeof shown->to.host);
    }
}

static void show_tries(struct troth_gossip *gossip, const struct gossip_actions *inner) {
    if (gossip->try_capacity < inner->stream_try_count) {
        gossip->try_capacity = 2 * inner->stream_try_count;
        gossip->tries = memory_resize(gossip->tries, gossip->try_capacity * sizeof *gossip->tries);
    }
    for (size_t i = 0; i < inner->stream_try_count; i++) {
        const struct gossip_stream_try *wanted = &inner->stream_tries[i];
        struct troth_gossip_try *shown = &gossip->tries[i];
        *shown = (struct troth_gossip_try){.address.port = wanted->address.port};
        memcpy(shown->uuid, wanted->uuid, sizeof shown->uuid);
        memcpy(shown->address.host, wanted->address.host, sizeof shown->address.host);
    }
}

static enum troth_gossip_change_kind shown_kind(enum gossip_change_kind kind) {
    switch (kind) {
    case GOSSIP_CHANGE_JOINED:
        return TROTH_GOSSIP_CHANGE_JOINED;
    case GOSSIP_CHANGE_STATE:
        return TROTH_GOSSIP_CHANGE_STATE;
    case GOSSIP_CHANGE_KEY:
        return TROTH_GOSSIP_CHANGE_KEY;
    case GOSSIP_CHANGE_ADDRESS:
        return TROTH_GOSSIP_CHANGE_ADDRESS;
    case GOSSIP_CHANGE_NAME_CONFLICT:
        return TROTH_GOSSIP_CHANGE_NAME_CONFLICT;
    }
    UNREACHABLE();
}

static void show_changes(struct troth_gossip *gossip, const struct gossip_actions *inner) {
    if (gossip->change_capacity < inner->change_count) {
        gossip->change_capacity = 2 * inner->change_count;
        gossip->changes =
            memory_resize(gossip->changes, gossip->change_capacity * sizeof *gossip->changes);
    }
    for (size_t i = 0; i < inner->change_count; i++) {
        const struct gossip_change *change = &inner->changes[i];
        struct troth_gossip_change *shown = &gossip->changes[i];
        *shown = (struct troth_gossip_change){.kind = shown_kind(change->kind)};
        library_show_member(gossip, change->member, &shown->member);
        if (change->kind != GOSSIP_CHANGE_KEY)
            continue;
        struct bytes value = gossip_get(gossip->gossip, change->member, change->key);
        shown->key = (struct troth_gossip_bytes){change->key.data, change->key.length};
        shown->value = (struct troth_gossip_bytes){value.data, value.length};
    }
}

int troth_gossip_step(struct troth_gossip *gossip, const struct troth_gossip_event *event,
                      struct troth_gossip_actions *actions) {
    struct gossip_event inner;
    struct gossip_actions done;
    int code = inner_event(gossip, event, &inner);
    if (code != 0) {
        *actions = (struct troth_gossip_actions){.deadline_us = gossip->deadline_us};
        return code;
    }
    gossip_step(gossip->gossip, &inner, &done);
    gossip->deadline_us = done.deadline_us;
    show_datagrams(gossip, &done);
    show_changes(gossip, &done);
    show_tries(gossip, &done);
    *actions = (struct troth_gossip_actions){.datagrams = gossip->datagrams,
                                             .datagram_count = done.datagram_count,
                                             .changes = gossip->changes,
                                             .change_count = done.change_count,
                                             .tries = gossip->tries,
                                             .try_count = done.stream_try_count,
                                             .deadline_us = done.deadline_us};
    return 0;
}
