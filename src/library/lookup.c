#include "library/lookup.h"
#include "base/memory.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum {
    LOOKUP_NAMES_BYTES = UDP_SEEDS_MAXIMUM * (NET_NAME_MAXIMUM + 8), /* each with its port */
    LOOKUP_SENTENCE_BYTES = 512
};

struct lookup_round {
    atomic_uint holders; /* the member and the thread */
    atomic_bool is_over; /* then the rest is the member's */
    struct udp_seeds found;
    struct buffer problem;
    char *names; /* owned */
};

/* ---- a round ---- */

static void round_let_go(struct lookup_round *round) {
    if (atomic_fetch_sub(&round->holders, 1) > 1)
        return;
    buffer_release(&round->problem);
    memory_free(round->names);
    memory_free(round);
}

static void *round_look_up(void *context) {
    struct lookup_round *round = context;
    if (udp_seeds_find(&round->found, round->names, &round->problem) == 0)
        buffer_clear(&round->problem);
    atomic_store(&round->is_over, true);
    round_let_go(round);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool round_start(struct lookup_round *round) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = pthread_create(&thread, &attributes, round_look_up, round) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return is_started;
}

/* Where the system has no thread to give, the next round tries again. */
static void lookup_begin(struct lookup *lookup) {
    struct lookup_round *round = memory_allocate_zeroed(1, sizeof *round);
    atomic_init(&round->holders, 2);
    buffer_init(&round->problem, LOOKUP_SENTENCE_BYTES);
    round->names = memory_copy_text((const char *)buffer_data(&lookup->names));
    if (round_start(round)) {
        lookup->round = round;
        return;
    }
    round_let_go(round);
    round_let_go(round);
}

static void lookup_end(struct lookup *lookup) {
    round_let_go(lookup->round);
    lookup->round = NULL;
}

/* ---- one after the other ---- */

bool lookup_run(struct lookup *lookup, uint64_t now_us, struct udp_seeds *found,
                struct buffer *problem) {
    if (lookup->round != NULL) {
        if (!atomic_load(&lookup->round->is_over))
            return false;
        *found = lookup->round->found;
        buffer_append_bytes(problem, buffer_bytes(&lookup->round->problem));
        lookup_end(lookup);
        return true;
    }
    if (lookup->count == 0 || now_us < lookup->due_us)
        return false;
    lookup->due_us = now_us + lookup->pause_us;
    lookup->pause_us *= 2;
    if (lookup->pause_us > LOOKUP_LAST_MS * 1000)
        lookup->pause_us = LOOKUP_LAST_MS * 1000;
    lookup_begin(lookup);
    return false;
}

uint64_t lookup_deadline_us(const struct lookup *lookup, uint64_t now_us) {
    if (lookup->round != NULL)
        return now_us + LOOKUP_LISTEN_MS * 1000;
    return lookup->count > 0 ? lookup->due_us : UINT64_MAX;
}

/* ---- which ---- */

static bool is_there(const struct lookup *lookup, struct bytes name) {
    const char *at = lookup->count > 0 ? (const char *)buffer_data(&lookup->names) : "";
    for (size_t length; *at != 0; at += length + (at[length] == ',')) {
        length = strcspn(at, ",");
        if (bytes_equal(bytes_of(at, length), name))
            return true;
    }
    return false;
}

/* The zero byte behind the last name gives way to the comma. */
static void append_name(struct lookup *lookup, struct bytes name) {
    if (lookup->count == 0)
        buffer_init(&lookup->names, LOOKUP_NAMES_BYTES);
    else
        buffer_truncate(&lookup->names, lookup->names.length - 1);
    if (lookup->count > 0)
        buffer_append_u8(&lookup->names, ',');
    buffer_append_bytes(&lookup->names, name);
    buffer_append_u8(&lookup->names, 0);
    lookup->count++;
}

/* As it was before names were added. */
static void take_back(struct lookup *lookup, const struct lookup *before) {
    if (before->count == 0) {
        buffer_release(&lookup->names);
    } else {
        buffer_truncate(&lookup->names, before->names.length - 1);
        buffer_append_u8(&lookup->names, 0);
    }
    lookup->count = before->count;
    lookup->due_us = before->due_us;
    lookup->pause_us = before->pause_us;
}

int lookup_add(struct lookup *lookup, const char *join, uint64_t now_us, struct buffer *problem) {
    const struct lookup before = *lookup;
    for (size_t length; *join != 0; join += length + (join[length] == ',')) {
        struct net_address address;
        length = strcspn(join, ",");
        struct bytes name = bytes_of(join, length);
        if (net_address_parse(&address, name) == 0 || is_there(lookup, name))
            continue;
        if (lookup->count == UDP_SEEDS_MAXIMUM) {
            buffer_append_format(problem, "join: more than %d names", UDP_SEEDS_MAXIMUM);
            take_back(lookup, &before);
            return ERR_LIMIT;
        }
        append_name(lookup, name);
        lookup->pause_us = LOOKUP_FIRST_MS * 1000;
        lookup->due_us = now_us + lookup->pause_us;
    }
    return 0;
}

void lookup_release(struct lookup *lookup) {
    if (lookup->round != NULL)
        lookup_end(lookup);
    if (lookup->count > 0)
        buffer_release(&lookup->names);
    *lookup = (struct lookup){.count = 0};
}
