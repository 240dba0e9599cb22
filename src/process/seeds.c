#include "process/seeds.h"
#include "base/check.h"
#include "io/socket_address.h"

static int add_name(struct seeds *seeds, struct bytes text, struct buffer *problem) {
    struct seed_name *name = &seeds->names[seeds->count];
    if (seeds->count == SEEDS_MAXIMUM) {
        buffer_append_format(problem, "more than %d names", SEEDS_MAXIMUM);
        return ERR_LIMIT;
    }
    *name = (struct seed_name){.seeds = seeds};
    if (net_name_parse(&name->where, text) != 0) {
        buffer_append_format(
            problem, "'%.*s' is not host:port; give the peer port of a node, as in 10.0.0.1:17001",
            (int)(text.length < 80 ? text.length : 80), (const char *)text.data);
        return ERR_INVALID;
    }
    seeds->count++;
    return 0;
}

static int add_seed(struct seeds *seeds, struct bytes text, struct buffer *problem) {
    struct net_address address;
    if (net_address_parse(&address, text) == 0)
        return 0;
    struct buffer cause;
    buffer_init(&cause, NET_NAME_MAXIMUM + 256);
    int code = add_name(seeds, text, &cause);
    if (code != 0)
        buffer_append_format(problem, "join: %.*s", BYTES_PRINT(buffer_bytes(&cause)));
    buffer_release(&cause);
    return code;
}

int seeds_parse(struct seeds *seeds, const char *join, struct buffer *problem) {
    seeds->count = 0;
    int code = 0;
    while (code == 0 && *join != '\0') {
        size_t length = strcspn(join, ",");
        code = add_seed(seeds, bytes_of(join, length), problem);
        join += length + (join[length] == ',');
    }
    return code;
}

static void seeds_on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *answers) {
    struct seed_name *name = request->data;
    struct seeds *seeds = name->seeds;
    name->is_pending = false;
    if (status != 0 && !seeds->is_closing && !name->has_failed)
        log_line(seeds->log, LOG_WARN, "the name of a seed cannot be looked up; it is tried on",
                 LOG_T("name", name->where.host), LOG_T("cause", uv_strerror(status)));
    if (status == 0 && name->has_failed)
        log_line(seeds->log, LOG_INFO, "the name of a seed is found again",
                 LOG_T("name", name->where.host));
    name->has_failed = status != 0;
    for (struct addrinfo *answer = answers; answer != NULL && !seeds->is_closing;
         answer = answer->ai_next) {
        struct net_address address;
        socket_address_to_net(answer->ai_addr, &address);
        address.port = name->where.port;
        seeds->found(seeds->context, &address);
    }
    uv_freeaddrinfo(answers);
}

static void seeds_look_up(uv_timer_t *timer) {
    struct seeds *seeds = timer->data;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    for (unsigned i = 0; i < seeds->count; i++) {
        struct seed_name *name = &seeds->names[i];
        if (name->is_pending)
            continue;
        name->request.data = name;
        name->is_pending = uv_getaddrinfo(timer->loop, &name->request, seeds_on_answer,
                                          name->where.host, NULL, &hints) == 0;
    }
    CHECK(uv_timer_start(timer, seeds_look_up, seeds->pause_ms, 0) == 0);
    seeds->pause_ms *= 2;
    if (seeds->pause_ms > SEEDS_LOOKUP_LAST_MS)
        seeds->pause_ms = SEEDS_LOOKUP_LAST_MS;
}

void seeds_start(struct seeds *seeds, uv_loop_t *loop, const struct log *log,
                 void (*found)(void *context, const struct net_address *address), void *context) {
    seeds->log = log;
    seeds->found = found;
    seeds->context = context;
    seeds->is_closing = false;
    CHECK(uv_timer_init(loop, &seeds->timer) == 0);
    seeds->timer.data = seeds;
    seeds->pause_ms = SEEDS_LOOKUP_FIRST_MS;
    if (seeds->count > 0)
        CHECK(uv_timer_start(&seeds->timer, seeds_look_up, 0, 0) == 0);
}

/* The one that was just added behind the others may be one of them. */
static void drop_repeated(struct seeds *seeds) {
    const struct seed_name *last = &seeds->names[seeds->count - 1];
    for (unsigned i = 0; i + 1 < seeds->count; i++)
        if (seeds->names[i].where.port == last->where.port &&
            strcmp(seeds->names[i].where.host, last->where.host) == 0) {
            seeds->count--;
            return;
        }
}

int seeds_add(struct seeds *seeds, struct bytes text, struct buffer *problem) {
    int code = add_name(seeds, text, problem);
    if (code != 0)
        return code;
    drop_repeated(seeds);
    seeds->pause_ms = SEEDS_LOOKUP_FIRST_MS;
    CHECK(uv_timer_start(&seeds->timer, seeds_look_up, 0, 0) == 0);
    return 0;
}

void seeds_close(struct seeds *seeds) {
    seeds->is_closing = true;
    uv_close((uv_handle_t *)&seeds->timer, NULL);
    for (unsigned i = 0; i < seeds->count; i++)
        if (seeds->names[i].is_pending)
            (void)uv_cancel(
                (uv_req_t *)&seeds->names[i].request); /* one that runs already ends by itself */
}
