#include "base/check.h"
#include "base/memory.h"
#include "io/net.h"
#include "io/socket_address.h"
#include "library/identity.h"
#include "library/inside.h"
#include "library/lookup.h"
#include "library/socket.h"
#include "seal/keyring.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sodium.h>
#include <time.h>
#include <unistd.h>

enum {
    UDP_ROOM_BYTES = NET_DATAGRAM_MAXIMUM + 1, /* so that what is too long is seen to be */
    UDP_BATCH = 256, /* datagrams read in one run; the rest waits for the next */
    UDP_SENTENCE_MAXIMUM = 4096
};

struct troth_gossip_udp {
    struct troth_gossip *gossip;
    struct seal *seal; /* NULL: unsealed */
    struct member_identity identity;
    char *identity_file;  /* NULL: none */
    struct lookup lookup; /* of names to join */
    bool has_lost_names;  /* the last round did not find all: said once, not each time */
    int socket;
    bool is_stepping;           /* `changed` or `log` may be called: what they are told must last */
    bool is_leaving;            /* was said meanwhile */
    struct net_address address; /* as announced */
    void (*changed)(void *context, const struct troth_gossip_change *change);
    void *context;
    struct troth_gossip_udp_counters counters;
    uint8_t room[UDP_ROOM_BYTES];
};

static uint64_t udp_clock_us(clockid_t clock) {
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* It goes on while the machine sleeps, as those of all members do. */
static uint64_t udp_now_us(void) { return udp_clock_us(CLOCK_BOOTTIME); }

/* ---- stepping ---- */

static void udp_send(struct troth_gossip_udp *udp, const struct troth_gossip_datagram *datagram) {
    struct net_address to = {.port = datagram->to.port};
    struct bytes bytes = bytes_of(datagram->bytes.data, datagram->bytes.length);
    uint8_t sealed[TROTH_GOSSIP_DATAGRAM_MAXIMUM + SEAL_EXTRA_BYTES];
    memcpy(to.host, datagram->to.host, sizeof to.host);
    if (udp->seal != NULL) {
        seal_close(udp->seal, SEAL_DATAGRAM, bytes, sealed);
        bytes = bytes_of(sealed, bytes.length + SEAL_EXTRA_BYTES);
    }
    if (!udp_socket_send(udp->socket, &to, bytes))
        udp->counters.unsent++;
}

static int udp_amid_step(struct buffer *problem) {
    buffer_append_text(problem, "from within a callback only look in; say it after run() returned");
    return ERR_REFUSED;
}

static int udp_step(struct troth_gossip_udp *udp, struct troth_gossip_event event) {
    struct troth_gossip_actions actions;
    if (udp->is_stepping)
        return TROTH_GOSSIP_REFUSED;
    udp->is_stepping = true;
    event.now_us = udp_now_us();
    event.wall_us = udp_clock_us(CLOCK_REALTIME);
    int code = troth_gossip_step(udp->gossip, &event, &actions);
    for (size_t i = 0; i < actions.datagram_count; i++)
        udp_send(udp, &actions.datagrams[i]);
    for (size_t i = 0; i < actions.change_count && udp->changed != NULL; i++)
        udp->changed(udp->context, &actions.changes[i]);
    udp->is_stepping = false;
    if (udp->is_leaving)
        troth_gossip_udp_leave(udp);
    return code;
}

static void udp_take(struct troth_gossip_udp *udp, const struct net_address *from, size_t length) {
    struct bytes bytes = bytes_of(udp->room, length);
    struct troth_gossip_event event = {.kind = TROTH_GOSSIP_DATAGRAM, .address.port = from->port};
    if (length > NET_DATAGRAM_MAXIMUM) {
        udp->counters.refused_by_length++;
        return;
    }
    if (udp->seal != NULL && seal_open(udp->seal, SEAL_DATAGRAM, udp->room, length, &bytes) != 0) {
        udp->counters.refused_by_seal++;
        return;
    }
    memcpy(event.address.host, from->host, sizeof event.address.host);
    event.bytes = (struct troth_gossip_bytes){bytes.data, bytes.length};
    (void)udp_step(udp, event); /* an address that came from the system is one */
}

/* ---- looking for others ---- */

/* An address that is said outright, and not what a name stands for, is meant. */
static int check_ways(const struct troth_gossip_udp *udp, const char *join,
                      struct buffer *problem) {
    for (size_t length; *join != 0; join += length + (join[length] == ',')) {
        struct net_address address;
        length = strcspn(join, ",");
        if (net_address_parse(&address, bytes_of(join, length)) != 0 ||
            socket_has_way_to(udp->socket, &address))
            continue;
        buffer_append_format(problem,
                             "join: %.*s is an address of IPv6, and this member's is of IPv4",
                             (int)length, join);
        return ERR_INVALID;
    }
    return 0;
}

/* Of the addresses of a name some may be of a family that the socket is not. */
static void udp_look_for(struct troth_gossip_udp *udp, const struct udp_seeds *seeds) {
    for (unsigned i = 0; i < seeds->count; i++) {
        if (!socket_has_way_to(udp->socket, &seeds->addresses[i]))
            continue;
        struct troth_gossip_event event = {.kind = TROTH_GOSSIP_SEED,
                                           .address.port = seeds->addresses[i].port};
        memcpy(event.address.host, seeds->addresses[i].host, sizeof event.address.host);
        (void)udp_step(udp, event); /* it was parsed as an address */
    }
}

static void udp_log(struct troth_gossip_udp *udp, enum log_level level, const char *message,
                    const struct buffer *cause) {
    char text[TROTH_GOSSIP_PROBLEM_BYTES];
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(buffer_bytes(cause)));
    if (udp->gossip->tell != NULL)
        log_line(&udp->gossip->log, level, message, LOG_T("cause", text));
}

/* What names stand for now. */
static void udp_look_up(struct troth_gossip_udp *udp) {
    struct udp_seeds found;
    struct buffer cause;
    buffer_init(&cause, UDP_SENTENCE_MAXIMUM);
    if (lookup_run(&udp->lookup, udp_now_us(), &found, &cause)) {
        bool is_lost = cause.length > 0;
        if (is_lost && !udp->has_lost_names)
            udp_log(udp, LOG_WARN, "a name cannot be looked up; it is tried on", &cause);
        udp->has_lost_names = is_lost;
        udp_look_for(udp, &found);
    }
    buffer_release(&cause);
}

/* ---- running ---- */

int troth_gossip_udp_fd(const struct troth_gossip_udp *udp) { return udp->socket; }

int troth_gossip_udp_timeout_ms(const struct troth_gossip_udp *udp) {
    uint64_t now_us = udp_now_us();
    uint64_t lookup_us = lookup_deadline_us(&udp->lookup, now_us);
    uint64_t step_us = udp->gossip->deadline_us;
    uint64_t deadline_us = lookup_us < step_us ? lookup_us : step_us;
    if (deadline_us <= now_us)
        return 0;
    uint64_t wait_ms = (deadline_us - now_us + 999) / 1000;
    return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

int troth_gossip_udp_run(struct troth_gossip_udp *udp, int timeout_ms) {
    struct pollfd readable = {.fd = udp->socket, .events = POLLIN};
    if (udp->is_stepping)
        return TROTH_GOSSIP_REFUSED;
    int due_ms = troth_gossip_udp_timeout_ms(udp);
    if (poll(&readable, 1, timeout_ms < 0 || timeout_ms > due_ms ? due_ms : timeout_ms) < 0)
        return errno == EINTR ? 0 : TROTH_GOSSIP_IO;
    if (readable.revents & POLLNVAL)
        return TROTH_GOSSIP_IO;
    struct net_address from;
    ssize_t length = 0;
    for (unsigned i = 0; i < UDP_BATCH && length >= 0; i++) {
        length = udp_socket_receive(udp->socket, udp->room, sizeof udp->room, &from);
        if (length > 0)
            udp_take(udp, &from, (size_t)length);
    }
    udp_look_up(udp);
    if (udp_now_us() >= udp->gossip->deadline_us)
        (void)udp_step(udp, (struct troth_gossip_event){.kind = TROTH_GOSSIP_TICK});
    return 0;
}

/* ---- opening and closing ---- */

static int check_announced(const struct net_address *bound, const struct net_address *announced,
                           struct buffer *problem) {
    if (udp_address_is_any(announced)) {
        buffer_append_text(problem, "announce: say at which address others reach this member");
        return ERR_INVALID;
    }
    if (!udp_address_is_ipv6(announced) || udp_address_is_ipv6(bound))
        return 0;
    buffer_append_text(problem, "announce: is an address of IPv6, and nothing that is sent there "
                                "comes to `bind`, which is of IPv4");
    return ERR_INVALID;
}

static int read_addresses(const struct troth_gossip_udp_options *options, struct net_address *bound,
                          struct net_address *announced, struct buffer *problem) {
    const char *bind = options->bind == NULL ? "" : options->bind;
    if (udp_bind_parse(bound, bind) != 0) {
        buffer_append_format(problem, "bind: '%.80s' is not address:port, as in 10.0.0.1:7946",
                             bind);
        return ERR_INVALID;
    }
    *announced = *bound;
    if (options->announce != NULL &&
        net_address_parse(announced, bytes_of_text(options->announce)) != 0) {
        buffer_append_format(problem, "announce: '%.80s' is not address:port", options->announce);
        return ERR_INVALID;
    }
    return check_announced(bound, announced, problem);
}

static int check_strangers(const struct troth_gossip_udp_options *options,
                           const struct net_address *bound, struct buffer *problem) {
    if (options->key_file == NULL && options->cluster_name != NULL) {
        buffer_append_text(problem, "cluster_name: it is sealed into datagrams, so it needs a "
                                    "key_file");
        return ERR_INVALID;
    }
    if (options->key_file != NULL || options->is_open_to_strangers ||
        socket_address_is_loopback(bound))
        return 0;
    buffer_append_text(
        problem, "bind: without a key anybody who reaches this address can join and lie; give "
                 "a key_file (openssl rand -hex 32 makes one), or say is_open_to_strangers");
    return ERR_INVALID;
}

static int udp_prepare(struct troth_gossip_udp *udp, const struct troth_gossip_udp_options *options,
                       struct buffer *problem) {
    struct net_address bound;
    int code = read_addresses(options, &bound, &udp->address, problem);
    if (code == 0)
        code = check_strangers(options, &bound, problem);
    if (code == 0 && options->name != NULL && strlen(options->name) >= TROTH_GOSSIP_NAME_BYTES) {
        buffer_append_format(problem, "name: longer than %d bytes", TROTH_GOSSIP_NAME_BYTES - 1);
        code = ERR_INVALID;
    }
    if (code == 0 && options->key_file != NULL)
        code =
            seal_new_from_file(&udp->seal, options->key_file,
                               options->cluster_name == NULL ? "" : options->cluster_name, problem);
    if (code == 0)
        code = udp_socket_open(&bound, &udp->socket, problem);
    if (code == 0)
        code = check_ways(udp, options->join == NULL ? "" : options->join, problem);
    if (code == 0 && options->announce == NULL)
        udp->address = bound; /* with the port that the system chose */
    if (code == 0)
        code = member_identity_open(&udp->identity, options->identity_file, problem);
    if (code == 0 && options->identity_file != NULL)
        udp->identity_file = memory_copy_text(options->identity_file);
    return code;
}

static void udp_make_gossip(struct troth_gossip_udp *udp,
                            const struct troth_gossip_udp_options *options) {
    char address[NET_HOST_MAXIMUM + 10];
    struct troth_gossip_options inner = {.generation = udp->identity.generation,
                                         .address = troth_gossip_udp_address(udp),
                                         .name = options->name,
                                         .now_us = udp_now_us(),
                                         .is_sealed = udp->seal != NULL,
                                         .log = options->log,
                                         .context = options->context};
    net_address_format(&udp->address, address);
    address[TROTH_GOSSIP_NAME_BYTES - 1] = 0;
    if (inner.name == NULL)
        inner.name = address;
    memcpy(inner.uuid, udp->identity.uuid, sizeof inner.uuid);
    randombytes_buf(&inner.seed, sizeof inner.seed);
    CHECK(troth_gossip_new(&inner, &udp->gossip) == 0);
}

/* A name that nobody knows yet is no reason not to start: others may find this member, and the name
 * is tried on; `doubt` says which it is. */
static int find_seeds(const struct troth_gossip_udp_options *options, struct udp_seeds *seeds,
                      struct buffer *doubt, struct buffer *problem) {
    int code = udp_seeds_find(seeds, options->join == NULL ? "" : options->join, doubt);
    if (code == 0)
        buffer_clear(doubt);
    if (code == 0 || code == ERR_IO)
        return 0;
    buffer_append_bytes(problem, buffer_bytes(doubt));
    return code;
}

/* With all that it takes. */
static int udp_begin(struct troth_gossip_udp *udp, const struct troth_gossip_udp_options *options,
                     const struct udp_seeds *seeds, const struct buffer *doubt,
                     struct buffer *problem) {
    udp_make_gossip(udp, options);
    (void)udp_step(udp, (struct troth_gossip_event){.kind = TROTH_GOSSIP_TICK});
    udp_look_for(udp, seeds);
    udp->has_lost_names = doubt->length > 0;
    if (udp->has_lost_names)
        udp_log(udp, LOG_WARN, "a name cannot be looked up; it is tried on", doubt);
    return lookup_add(&udp->lookup, options->join == NULL ? "" : options->join, udp_now_us(),
                      problem);
}

int troth_gossip_udp_open(const struct troth_gossip_udp_options *options,
                          struct troth_gossip_udp **out, char *problem, size_t problem_bytes) {
    struct buffer sentence, doubt;
    struct udp_seeds seeds;
    struct troth_gossip_udp *udp = memory_allocate_zeroed(1, sizeof *udp);
    buffer_init(&sentence, UDP_SENTENCE_MAXIMUM);
    buffer_init(&doubt, UDP_SENTENCE_MAXIMUM);
    udp->socket = udp->identity.file = -1;
    udp->changed = options->changed;
    udp->context = options->context;
    int code = ERR_IO;
    if (sodium_init() < 0)
        buffer_append_text(&sentence, "the system has no source of randomness");
    else
        code = find_seeds(options, &seeds, &doubt, &sentence);
    if (code == 0)
        code = udp_prepare(udp, options, &sentence);
    if (code == 0)
        code = udp_begin(udp, options, &seeds, &doubt, &sentence);
    buffer_release(&doubt);
    if (code == 0)
        *out = udp;
    else
        troth_gossip_udp_close(udp);
    return library_complain(code, &sentence, problem, problem_bytes);
}

/* A copy of the file was started more often than this one. */
static void keep_generation(struct troth_gossip_udp *udp) {
    struct gossip_counters counters;
    struct buffer problem;
    buffer_init(&problem, UDP_SENTENCE_MAXIMUM);
    gossip_counters(udp->gossip->gossip, &counters);
    if (member_identity_start_above(&udp->identity, udp->identity_file, counters.later_generation,
                                    &problem) != 0)
        udp_log(udp, LOG_WARN, "the identity file cannot be written", &problem);
    buffer_release(&problem);
}

void troth_gossip_udp_close(struct troth_gossip_udp *udp) {
    if (udp == NULL)
        return;
    if (udp->gossip != NULL && udp->identity_file != NULL)
        keep_generation(udp);
    if (udp->socket >= 0)
        close(udp->socket);
    lookup_release(&udp->lookup);
    troth_gossip_free(udp->gossip);
    seal_free(udp->seal);
    member_identity_close(&udp->identity);
    memory_free(udp->identity_file);
    memory_free(udp);
}

/* ---- wishes ---- */

/* Of what was found: all, or, where one is too many or nothing can reach it, none. */
static int udp_join_found(struct troth_gossip_udp *udp, const char *join,
                          const struct udp_seeds *seeds, struct buffer *sentence) {
    int code = check_ways(udp, join, sentence);
    if (code == 0)
        code = lookup_add(&udp->lookup, join, udp_now_us(), sentence);
    if (code == 0)
        udp_look_for(udp, seeds);
    return code;
}

int troth_gossip_udp_join(struct troth_gossip_udp *udp, const char *join, char *problem,
                          size_t problem_bytes) {
    struct buffer sentence;
    struct udp_seeds seeds;
    buffer_init(&sentence, UDP_SENTENCE_MAXIMUM);
    int code =
        udp->is_stepping ? udp_amid_step(&sentence) : udp_seeds_find(&seeds, join, &sentence);
    if (code == 0 || code == ERR_IO) {
        size_t doubts = sentence.length;
        int refused = udp_join_found(udp, join, &seeds, &sentence);
        if (refused != 0)
            buffer_consume(&sentence, doubts);
        code = refused != 0 ? refused : code;
    }
    return library_complain(code, &sentence, problem, problem_bytes);
}

static struct troth_gossip_bytes bytes_of_key(const char *key) {
    return (struct troth_gossip_bytes){(const uint8_t *)key, strlen(key)};
}

int troth_gossip_udp_set(struct troth_gossip_udp *udp, const char *key, const void *value,
                         size_t value_bytes) {
    return udp_step(udp, (struct troth_gossip_event){.kind = TROTH_GOSSIP_SET,
                                                     .key = bytes_of_key(key),
                                                     .value = {value, value_bytes}});
}

int troth_gossip_udp_remove(struct troth_gossip_udp *udp, const char *key) {
    return udp_step(
        udp, (struct troth_gossip_event){.kind = TROTH_GOSSIP_REMOVE, .key = bytes_of_key(key)});
}

void troth_gossip_udp_leave(struct troth_gossip_udp *udp) {
    udp->is_leaving = udp->is_stepping;
    if (udp->is_stepping)
        return; /* when all are told */
    (void)udp_step(udp, (struct troth_gossip_event){.kind = TROTH_GOSSIP_LEAVE});
    lookup_release(&udp->lookup);
}

/* ---- looking in ---- */

struct troth_gossip *troth_gossip_udp_gossip(struct troth_gossip_udp *udp) {
    return udp->gossip;
}

struct troth_gossip_address troth_gossip_udp_address(const struct troth_gossip_udp *udp) {
    struct troth_gossip_address address = {.port = udp->address.port};
    memcpy(address.host, udp->address.host, sizeof address.host);
    return address;
}

void troth_gossip_udp_counters(const struct troth_gossip_udp *udp,
                               struct troth_gossip_udp_counters *out) {
    *out = udp->counters;
}

/* ---- keys ---- */

static int udp_no_key(struct buffer *problem) {
    buffer_append_text(problem, "this member was opened without a key_file");
    return ERR_REFUSED;
}

int troth_gossip_udp_key_add(struct troth_gossip_udp *udp, const char *key, char *id, char *problem,
                             size_t problem_bytes) {
    struct buffer sentence;
    char own_id[SEAL_ID_TEXT_BYTES];
    buffer_init(&sentence, UDP_SENTENCE_MAXIMUM);
    int code = udp->seal == NULL ? udp_no_key(&sentence)
                                 : keyring_add(udp->seal, bytes_of_text(key), own_id, &sentence);
    if (code == 0 && id != NULL)
        memcpy(id, own_id, sizeof own_id);
    return library_complain(code, &sentence, problem, problem_bytes);
}

int troth_gossip_udp_key_use(struct troth_gossip_udp *udp, const char *id, char *problem,
                             size_t problem_bytes) {
    struct buffer sentence;
    buffer_init(&sentence, UDP_SENTENCE_MAXIMUM);
    int code = udp->seal == NULL ? udp_no_key(&sentence)
                                 : keyring_use(udp->seal, bytes_of_text(id), &sentence);
    return library_complain(code, &sentence, problem, problem_bytes);
}

int troth_gossip_udp_key_remove(struct troth_gossip_udp *udp, const char *id, char *problem,
                                size_t problem_bytes) {
    struct buffer sentence;
    buffer_init(&sentence, UDP_SENTENCE_MAXIMUM);
    int code = udp->seal == NULL ? udp_no_key(&sentence)
                                 : keyring_remove(udp->seal, bytes_of_text(id), &sentence);
    return library_complain(code, &sentence, problem, problem_bytes);
}
