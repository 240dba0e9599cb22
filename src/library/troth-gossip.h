/* libtroth-gossip: who is in the cluster, are they alive, and what do they say of themselves.
 *
 * Members find each other through any member they know, watch each other by probes, and tell each
 * other what changed. Each member says keys with values, which all others come to see. Nothing is
 * decided here: what a member knows of others is news, and may be late.
 *
 * There are two ways to use it:
 *
 *     troth_gossip_udp_*   a member that is ready: a socket, a clock, a key file. Open it, run it,
 *                          look in.
 *     troth_gossip_*       events in, actions out: no socket, no clock, no thread, no randomness
 *                          but the seed. For programs with an event loop or a transport of their
 *                          own, and for tests: the same events give the same actions.
 *
 * Both speak the protocol of TrothDB's nodes and agents, and can be members beside them.
 *
 * Threads: an instance is used by one thread at a time; different instances know nothing of each
 * other, and there is no global state. Callbacks run inside the call that caused them, and may look
 * in, but not change, free or run the instance that calls them.
 *
 * Memory: "borrows" means that the caller keeps it; "valid until" says how long what is returned
 * may be read. When memory runs out the process ends.
 *
 * Errors: 0 is success, negative codes are enum troth_gossip_error. A call that failed changed
 * nothing. Texts are UTF-8 and end with a zero byte. Times are in microseconds of one clock that
 * never goes back, unless their name says otherwise. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The release that this header belongs to; troth_gossip_version() says that of the library. */
#define TROTH_GOSSIP_VERSION       "0.1.0"
#define TROTH_GOSSIP_VERSION_MAJOR 0
#define TROTH_GOSSIP_VERSION_MINOR 1
#define TROTH_GOSSIP_VERSION_PATCH 0

enum {
    TROTH_GOSSIP_UUID_BYTES = 16,
    TROTH_GOSSIP_HOST_BYTES = 64,         /* of an address, with the zero byte */
    TROTH_GOSSIP_NAME_BYTES = 64,         /* with the zero byte */
    TROTH_GOSSIP_KEY_MAXIMUM = 64,        /* bytes */
    TROTH_GOSSIP_VALUE_MAXIMUM = 800,     /* bytes */
    TROTH_GOSSIP_KEYS_MAXIMUM = 128,      /* that one member says at a time */
    TROTH_GOSSIP_DATAGRAM_MAXIMUM = 1160, /* bytes, before sealing */
    TROTH_GOSSIP_PROBLEM_BYTES = 512      /* room for any sentence about a problem */
};

enum troth_gossip_error {
    TROTH_GOSSIP_INVALID = -1,   /* an argument is not what it must be */
    TROTH_GOSSIP_LIMIT = -2,     /* too long, or too many */
    TROTH_GOSSIP_NOT_FOUND = -3, /* no such thing */
    TROTH_GOSSIP_IO = -4,        /* a file or a socket failed */
    TROTH_GOSSIP_REFUSED = -5    /* not allowed as things are */
};
/* What a code means, in a few words. Static storage. */
const char *troth_gossip_error_text(int code);
/* The release of the library, as "0.1.0". Static storage. */
const char *troth_gossip_version(void);

/* ---- what both ways share ---- */

struct troth_gossip_bytes {
    const uint8_t *data;
    size_t length;
};

struct troth_gossip_address {
    char host[TROTH_GOSSIP_HOST_BYTES]; /* an IPv4 or IPv6 address as text */
    uint16_t port;
};
/* From "10.0.0.1:7946" or "[2001:db8::1]:7946". INVALID; also of an address with a zone, as
 * fe80::1%eth0, which means nothing to others. */
int troth_gossip_address_parse(struct troth_gossip_address *address, const char *text);

enum troth_gossip_state {
    TROTH_GOSSIP_ALIVE = 0,
    TROTH_GOSSIP_SUSPECT = 1, /* did not answer; may still refute */
    TROTH_GOSSIP_DEAD = 2,    /* did not refute in time; remembered for a day */
    TROTH_GOSSIP_LEFT = 3,    /* said goodbye */
    TROTH_GOSSIP_JOINING = 4  /* alive, and still getting its copy of the state: rely on it later */
};
/* "alive", "suspect"...; "unknown" for what is no state. Static storage. */
const char *troth_gossip_state_text(enum troth_gossip_state state);

/* One member as this one knows it. (uuid, generation) is one life of it. */
struct troth_gossip_member {
    uint8_t uuid[TROTH_GOSSIP_UUID_BYTES];
    uint64_t generation;
    struct troth_gossip_address address;
    char name[TROTH_GOSSIP_NAME_BYTES];
    enum troth_gossip_state state;
    bool is_self;
    uint64_t round_trip_us;  /* last measured from here; 0: never */
    uint64_t heard_us;       /* last direct contact; 0: never */
    uint64_t state_since_us; /* when it was first known to be in this state */
};

enum troth_gossip_change_kind {
    TROTH_GOSSIP_CHANGE_JOINED = 0,       /* a member that was not known, or a new life of one */
    TROTH_GOSSIP_CHANGE_STATE = 1,        /* its state is another */
    TROTH_GOSSIP_CHANGE_KEY = 2,          /* it says something else: `key`, `value` */
    TROTH_GOSSIP_CHANGE_ADDRESS = 3,      /* it is reached elsewhere */
    TROTH_GOSSIP_CHANGE_NAME_CONFLICT = 4 /* it has this member's name, and lives as well */
};
struct troth_gossip_change {
    enum troth_gossip_change_kind kind;
    struct troth_gossip_member member; /* as it is now */
    struct troth_gossip_bytes key;     /* of a CHANGE_KEY; valid until the next step */
    struct troth_gossip_bytes value;   /* the same; length 0: the key is gone */
};

enum troth_gossip_log_level {
    TROTH_GOSSIP_LOG_DEBUG = 0,
    TROTH_GOSSIP_LOG_INFO = 1,
    TROTH_GOSSIP_LOG_WARN = 2,
    TROTH_GOSSIP_LOG_ERROR = 3
};
/* One line without its end, as `level=info msg="..." name=value`. Borrows. */
typedef void troth_gossip_log(void *context, enum troth_gossip_log_level level, const char *line);

/* ---- events in, actions out ---- */

struct troth_gossip;

struct troth_gossip_options {
    uint8_t uuid[TROTH_GOSSIP_UUID_BYTES]; /* who this is; never the same for two members */
    uint64_t generation; /* above that of every earlier life of this uuid; below 2^62 */
    struct troth_gossip_address address; /* where others reach this member */
    const char *name;                    /* for people: printable ASCII; NULL: none. Borrows */
    uint64_t seed;                       /* of all randomness */
    bool is_sealed; /* only members can make datagrams: repeated ones are told apart and ignored */
    uint64_t now_us;
    troth_gossip_log *log; /* NULL: nobody listens */
    void *context;         /* handed to `log` */
};

/* Returns owned in `out`. INVALID. */
int troth_gossip_new(const struct troth_gossip_options *options, struct troth_gossip **out);
void troth_gossip_free(struct troth_gossip *gossip); /* NULL is allowed; says no goodbye */

/* One of the settings of TrothDB whose names begin with "gossip-", at any time: as
 * ("gossip-probe-interval-ms", "200"). INVALID, NOT_FOUND; with a sentence in `problem` that says
 * what is allowed, cut at `problem_bytes`; `problem` may be NULL. The deadline may be earlier then:
 * step with a TICK, which says (a member of troth_gossip_udp_open() does at its next run). */
int troth_gossip_configure(struct troth_gossip *gossip, const char *name, const char *value,
                           char *problem, size_t problem_bytes);

enum troth_gossip_event_kind {
    TROTH_GOSSIP_TICK = 0,     /* the deadline has come */
    TROTH_GOSSIP_DATAGRAM = 1, /* `bytes` came from `address`; malformed ones are counted */
    TROTH_GOSSIP_SET = 2,    /* this member says `key` = `value`. INVALID; LIMIT: too long, or more
                                  than KEYS_MAXIMUM; REFUSED: "~at", which the library itself says
                                  of where a member lies */
    TROTH_GOSSIP_REMOVE = 3, /* it says `key` no more. INVALID, REFUSED: as of SET */
    TROTH_GOSSIP_SEED = 4,   /* look for members at `address`, for ever, until one answers */
    TROTH_GOSSIP_LEAVE = 5,  /* say goodbye; from then on only answer */
    TROTH_GOSSIP_CONTACT =
        6 /* the member `uuid` was just heard directly by other means: it lives */
};
/* With which a change is told, by all who tell it on: what goes first where there is not room for
 * all. None starves. */
enum troth_gossip_priority {
    TROTH_GOSSIP_PRIORITY_REST = 0,
    TROTH_GOSSIP_PRIORITY_STATE = 1,  /* before the rest */
    TROTH_GOSSIP_PRIORITY_CLUSTER = 2 /* before both */
};
struct troth_gossip_event {
    enum troth_gossip_event_kind kind;
    uint64_t now_us;
    uint64_t wall_us; /* the wall clock, Unix time in microseconds; 0: not known. News says by it
                         when it was made; nothing is decided by it */
    struct troth_gossip_address address;
    uint8_t uuid[TROTH_GOSSIP_UUID_BYTES];
    struct troth_gossip_bytes bytes;      /* borrows, as do all bytes of an event */
    enum troth_gossip_priority priority;  /* of a SET */
    struct troth_gossip_bytes key, value; /* 1 to KEY_MAXIMUM, 1 to VALUE_MAXIMUM bytes */
};

struct troth_gossip_datagram {
    struct troth_gossip_address to;
    struct troth_gossip_bytes bytes; /* at most TROTH_GOSSIP_DATAGRAM_MAXIMUM */
};
/* Datagrams to this member are not answered: if it can be reached by other means (a stream), try
 * so, and say CONTACT if it answers. To be left alone by those who have no other means. */
struct troth_gossip_try {
    uint8_t uuid[TROTH_GOSSIP_UUID_BYTES];
    struct troth_gossip_address address;
};
/* What to do after a step; valid until the next one. */
struct troth_gossip_actions {
    const struct troth_gossip_datagram *datagrams; /* send these; each may be lost */
    size_t datagram_count;
    const struct troth_gossip_change *changes; /* what this member learned */
    size_t change_count;
    const struct troth_gossip_try *tries;
    size_t try_count;
    uint64_t deadline_us; /* step with a TICK at or after this time */
};
/* Never waits. INVALID, LIMIT, REFUSED: of what the event says; then there are no actions but the
 * deadline. */
int troth_gossip_step(struct troth_gossip *gossip, const struct troth_gossip_event *event,
                      struct troth_gossip_actions *actions);

/* Members in a stable order, this one first. False: there is none. */
size_t troth_gossip_member_count(const struct troth_gossip *gossip);
bool troth_gossip_member_at(const struct troth_gossip *gossip, size_t position,
                            struct troth_gossip_member *out);
bool troth_gossip_member_find(const struct troth_gossip *gossip,
                              const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES],
                              struct troth_gossip_member *out);
/* What a member says of itself: false if it does not. The value is valid until the next step. */
bool troth_gossip_get(const struct troth_gossip *gossip,
                      const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES], const char *key,
                      struct troth_gossip_bytes *value);
/* All keys of a member, one a call; `position` is 0 at first. False: no more. Valid until the next
 * step. */
bool troth_gossip_walk(const struct troth_gossip *gossip,
                       const uint8_t uuid[TROTH_GOSSIP_UUID_BYTES], size_t *position,
                       struct troth_gossip_bytes *key, struct troth_gossip_bytes *value);

/* The round trip between any two members, estimated from the coordinates that they say of
 * themselves (gossip-coordinates). False: it is not known, as in the first seconds of a member's
 * life. What was measured from here is in struct troth_gossip_member. */
bool troth_gossip_round_trip_us(const struct troth_gossip *gossip,
                                const uint8_t a[TROTH_GOSSIP_UUID_BYTES],
                                const uint8_t b[TROTH_GOSSIP_UUID_BYTES], uint64_t *out_us);

struct troth_gossip_counters { /* since the start */
    uint64_t datagrams_sent, datagrams_received, bytes_sent, bytes_received, malformed;
    uint64_t replayed; /* datagrams that came a second time, where they are sealed */
    uint64_t probes_sent, probes_failed, indirect_probes, suspicions, refutations, deaths;
    unsigned local_health; /* 0: well; the higher, the less this member trusts its own ears */
};
void troth_gossip_counters(const struct troth_gossip *gossip, struct troth_gossip_counters *out);

/* ---- a member that is ready: UDP ---- */

struct troth_gossip_udp;

struct troth_gossip_udp_options {
    const char *bind;          /* "10.0.0.1:7946"; port 0: any that is free */
    const char *announce;      /* where others reach this member; NULL: as `bind` */
    const char *name;          /* for people; NULL: the address */
    const char *join;          /* "host:port,...": members to look for; NULL: nobody */
    const char *identity_file; /* keeps uuid and generation, so that a restart is the same member;
                                  held as long as this one is open; NULL: every start is a new
                                  member */
    const char *key_file;      /* with the cluster's keys; NULL: unsealed */
    const char *cluster_name;  /* sealed into every datagram; NULL: none. Needs `key_file` */
    bool is_open_to_strangers; /* allows an address other than loopback without a key */
    /* Both may be NULL. From within them look in, and say goodbye at the most: what else steps is
     * REFUSED, for a step ends what is being told. Do it after run() returned; close so as well. */
    void (*changed)(void *context, const struct troth_gossip_change *change);
    troth_gossip_log *log;
    void *context; /* handed to both */
};

/* Returns owned in `out`. Names in `join` are looked up before it returns, and again every ten
 * seconds, for ever: by a thread that lives as long as the system takes to answer, so that run()
 * does not wait; a name that nobody knows is logged, and tried on. Of what a name stands for up to
 * 64 addresses are sought, of several names as many together. INVALID, IO, LIMIT (more than 64
 * addresses and names), REFUSED (another member that runs has the identity file); with a sentence
 * in `problem`, cut at `problem_bytes`. Borrows nothing beyond the call but `context`. */
int troth_gossip_udp_open(const struct troth_gossip_udp_options *options,
                          struct troth_gossip_udp **out, char *problem, size_t problem_bytes);
/* Without a goodbye: others will find out. troth_gossip_udp_leave() before it says one. */
void troth_gossip_udp_close(struct troth_gossip_udp *udp); /* NULL is allowed */

/* Waits for at most `timeout_ms` (below 0: for ever) until something is to be done, does all of it,
 * and returns. To be called again and again, by a thread of its own or by an event loop: whoever is
 * away for long is taken for dead. IO; REFUSED: from within a callback. */
int troth_gossip_udp_run(struct troth_gossip_udp *udp, int timeout_ms);
/* For event loops: call run(udp, 0) when this descriptor is readable, and after so many
 * milliseconds at the latest. */
int troth_gossip_udp_fd(const struct troth_gossip_udp *udp);
int troth_gossip_udp_timeout_ms(const struct troth_gossip_udp *udp);

/* More members to look for: as `join`. Waits while names are looked up. INVALID, LIMIT, REFUSED
 * (from within a callback): nobody is looked for. IO: a name cannot be looked up now, and is tried
 * on; the others are looked for. */
int troth_gossip_udp_join(struct troth_gossip_udp *udp, const char *join, char *problem,
                          size_t problem_bytes);
/* This member says key = value, or says it no more. Both take effect, and the callback runs, before
 * they return. INVALID, LIMIT, REFUSED: as of TROTH_GOSSIP_SET; REFUSED from within a callback,
 * too. */
int troth_gossip_udp_set(struct troth_gossip_udp *udp, const char *key, const void *value,
                         size_t value_bytes);
int troth_gossip_udp_remove(struct troth_gossip_udp *udp, const char *key);
void troth_gossip_udp_leave(struct troth_gossip_udp *udp);
/* To look in and to configure; never to step. Valid until the close. */
struct troth_gossip *troth_gossip_udp_gossip(struct troth_gossip_udp *udp);
struct troth_gossip_address troth_gossip_udp_address(const struct troth_gossip_udp *udp);

/* The steps of a rotation of keys, each to be taken on all members before the next: add the new key
 * (64 hex digits; its id is written to `id`, which has room for 17 bytes, and may be NULL), use it
 * (by its id), remove the old one (by its id). The key file is rewritten. A step that was taken
 * already is no error. INVALID, LIMIT, NOT_FOUND, IO, REFUSED (no key is set, or the key is in
 * use); with a sentence in `problem`. */
int troth_gossip_udp_key_add(struct troth_gossip_udp *udp, const char *key, char *id, char *problem,
                             size_t problem_bytes);
int troth_gossip_udp_key_use(struct troth_gossip_udp *udp, const char *id, char *problem,
                             size_t problem_bytes);
int troth_gossip_udp_key_remove(struct troth_gossip_udp *udp, const char *id, char *problem,
                                size_t problem_bytes);

struct troth_gossip_udp_counters { /* since the start */
    uint64_t refused_by_seal;      /* datagrams that did not open */
    uint64_t refused_by_length;
    uint64_t unsent; /* what the system did not take */
};
void troth_gossip_udp_counters(const struct troth_gossip_udp *udp,
                               struct troth_gossip_udp_counters *out);

#ifdef __cplusplus
}
#endif
