#include "gossip/wire/replay.h"
#include "base/memory.h"
#include "base/planted.h"

enum { WORD_BITS = 64, WINDOW_WORDS = REPLAY_WINDOW / WORD_BITS };

/* Bit n mod REPLAY_WINDOW of `came` stands for the count n, for those from highest - REPLAY_WINDOW
 * + 1 to highest (RFC 6479: nothing is shifted). */
struct window {
    uint64_t generation, highest;
    uint64_t heard; /* when, counted in datagrams */
    uint64_t came[WINDOW_WORDS];
};

struct replay {
    struct table *windows; /* UUID -> struct window */
    struct table *askers;  /* UUID, generation -> the highest count answered without a proof */
    uint64_t heard;
};

static struct bytes key_of(const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return bytes_of(uuid, GOSSIP_UUID_BYTES);
}

struct replay *replay_new(void) {
    struct replay *replay = memory_allocate(sizeof *replay);
    *replay = (struct replay){.windows = table_new(), .askers = table_new()};
    return replay;
}

void replay_free(struct replay *replay) {
    if (replay == NULL)
        return;
    size_t position = 0;
    struct bytes key;
    void *window;
    while (table_walk(replay->windows, &position, &key, &window))
        memory_free(window);
    table_free(replay->windows);
    table_free(replay->askers);
    memory_free(replay);
}

size_t replay_count(const struct replay *replay) { return table_count(replay->windows); }

static void replay_make_room(struct replay *replay) {
    size_t position = 0;
    struct bytes key, silent_key = BYTES_NONE;
    void *window;
    const struct window *silent = NULL;
    if (table_count(replay->windows) < REPLAY_LIVES_MAXIMUM)
        return;
    while (table_walk(replay->windows, &position, &key, &window))
        if (silent == NULL || ((struct window *)window)->heard < silent->heard) {
            silent = window;
            silent_key = key;
        }
    memory_free(table_remove(replay->windows, silent_key));
}

static struct window *window_of(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                                uint64_t generation) {
    struct window *window = table_get(replay->windows, key_of(uuid));
    if (window == NULL) {
        replay_make_room(replay);
        window = memory_allocate(sizeof *window);
        *window = (struct window){.generation = generation};
        table_put(replay->windows, key_of(uuid), window);
    } else if (window->generation < generation) {
        *window = (struct window){.generation = generation};
    }
    window->heard = ++replay->heard;
    return window;
}

static uint64_t *word_of(struct window *window, uint64_t count) {
    return &window->came[count % REPLAY_WINDOW / WORD_BITS];
}
static uint64_t bit_of(uint64_t count) { return (uint64_t)1 << count % WORD_BITS; }

static void window_move(struct window *window, uint64_t highest) {
    uint64_t fresh = highest - window->highest;
    if (fresh >= REPLAY_WINDOW)
        memset(window->came, 0, sizeof window->came);
    else
        for (uint64_t count = window->highest + 1; count <= highest; count++)
            *word_of(window, count) &= ~bit_of(count);
    window->highest = highest;
}

static bool window_take(struct window *window, uint64_t count) {
    if (count > window->highest)
        window_move(window, count);
    else if (window->highest - count >= REPLAY_WINDOW)
        return false;
    uint64_t *word = word_of(window, count);
    bool is_new = (*word & bit_of(count)) == 0;
    *word |= bit_of(count);
    return is_new;
}

/* What was written before is refused: it may be a ping that was answered without a proof. */
static void window_begin(struct window *window, uint64_t count) {
    window->highest = count;
    memset(window->came, 0xff, sizeof window->came);
}

enum replay_verdict replay_judge(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                                 uint64_t generation, uint64_t count, bool is_for_this_life) {
    const struct window *known = table_get(replay->windows, key_of(uuid));
    bool is_earlier = known != NULL && generation < known->generation;
    bool has_window = known != NULL && generation == known->generation;
    if (PLANTED(GOSSIP_REPLAY_HEARD))
        return REPLAY_NEW;
    if (count == 0)
        return has_window ? REPLAY_OLD : REPLAY_NEW;
    if (is_earlier || (!has_window && !is_for_this_life && !PLANTED(GOSSIP_REPLAY_TRUSTED)))
        return REPLAY_UNPROVEN;
    struct window *window = window_of(replay, uuid, generation);
    if (!has_window) {
        window_begin(window, count);
        return REPLAY_NEW;
    }
    return window_take(window, count) ? REPLAY_NEW : REPLAY_OLD;
}

/* The one that asked first is forgotten: it was heard by now, or is no newcomer. */
static void askers_make_room(struct table *askers) {
    size_t position = 0;
    struct bytes life;
    void *count;
    if (table_count(askers) == REPLAY_ASKERS_MAXIMUM &&
        table_walk(askers, &position, &life, &count))
        table_remove(askers, life);
}

bool replay_is_new_ask(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                       uint64_t generation, uint64_t count) {
    uint8_t life[GOSSIP_UUID_BYTES + sizeof generation];
    memcpy(life, uuid, GOSSIP_UUID_BYTES);
    memcpy(life + GOSSIP_UUID_BYTES, &generation, sizeof generation);
    struct bytes key = bytes_of(life, sizeof life);
    uint64_t answered = (uintptr_t)table_get(replay->askers, key);
    if (PLANTED(GOSSIP_REPLAY_ANSWERED))
        return true;
    if (count <= answered)
        return false;
    if (answered == 0)
        askers_make_room(replay->askers);
    table_put(replay->askers, key, (void *)(uintptr_t)count);
    return true;
}
