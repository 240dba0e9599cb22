#include "sim/workload/workload.h"
#include "base/check.h"
#include <stdio.h>

enum { WORKLOAD_VALUE_STEP = 1000000, WORKLOAD_EXPIRY_MOST_MS = 3000 };

struct workload_share {
    enum operation_kind kind;
    unsigned share;
};

static const struct workload_share string_shares[] = {
    {OPERATION_GET, 30},   {OPERATION_SET, 18},   {OPERATION_INCRBY, 20},
    {OPERATION_GETSET, 6}, {OPERATION_SET_NX, 4}, {OPERATION_SET_XX_GET, 4},
    {OPERATION_DEL, 3},    {OPERATION_GETDEL, 2}, {OPERATION_EXISTS, 3},
};
/* The keys that expire have their own mix: short lives, many looks. */
static const struct workload_share expiring_shares[] = {
    {OPERATION_GET, 40},        {OPERATION_EXISTS, 5}, {OPERATION_SET_PX, 20},
    {OPERATION_SET_KEEPTTL, 4}, {OPERATION_INCRBY, 4}, {OPERATION_DEL, 1},
    {OPERATION_PERSIST, 1},     {OPERATION_SET_NX, 2},
};
static const struct workload_share hash_shares[] = {
    {OPERATION_HGET, 20},    {OPERATION_HGETALL, 20}, {OPERATION_HLEN, 4}, {OPERATION_HSET, 14},
    {OPERATION_HINCRBY, 14}, {OPERATION_HSETNX, 3},   {OPERATION_HDEL, 6}, {OPERATION_HASH_DEL, 2},
};
static const struct workload_share group_shares[] = {
    {OPERATION_MGET, 40},     {OPERATION_GROUP_EXISTS, 4}, {OPERATION_MSET, 14},
    {OPERATION_MSETNX, 4},    {OPERATION_GROUP_SET, 6},    {OPERATION_GROUP_INCRBY, 12},
    {OPERATION_GROUP_DEL, 3},
};

static const unsigned object_counts[OBJECT_COUNT] = {[OBJECT_STRING] = WORKLOAD_STRING_COUNT,
                                                     [OBJECT_HASH] = WORKLOAD_HASH_COUNT,
                                                     [OBJECT_GROUP] = WORKLOAD_GROUP_COUNT};

unsigned workload_place(const struct operation *operation) {
    unsigned before = 0;
    for (enum operation_object i = 0; i < operation_kind_facts(operation->kind)->object; i++)
        before += object_counts[i];
    return before + operation->key;
}

/* Which kind of object stands at a place, and its number among those. */
static enum operation_object workload_object(unsigned place, uint32_t *key) {
    enum operation_object object = OBJECT_STRING;
    for (; place >= object_counts[object]; object++)
        place -= object_counts[object];
    *key = place;
    return object;
}

struct operation workload_whole_read(unsigned place) {
    static const enum operation_kind kinds[OBJECT_COUNT] = {[OBJECT_STRING] = OPERATION_GET,
                                                            [OBJECT_HASH] = OPERATION_HGETALL,
                                                            [OBJECT_GROUP] = OPERATION_MGET};
    struct operation operation = {0};
    operation.kind = kinds[workload_object(place, &operation.key)];
    return operation;
}

struct operation workload_flush(unsigned place) {
    static const enum operation_kind kinds[OBJECT_COUNT] = {[OBJECT_STRING] = OPERATION_FLUSH,
                                                            [OBJECT_HASH] = OPERATION_HASH_FLUSH,
                                                            [OBJECT_GROUP] = OPERATION_GROUP_FLUSH};
    struct operation operation = {0};
    operation.kind = kinds[workload_object(place, &operation.key)];
    return operation;
}

static enum operation_kind workload_choose(struct random *random,
                                           const struct workload_share *shares, size_t count) {
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += shares[i].share;
    uint64_t lot = random_below(random, sum);
    for (size_t i = 0; i < count; i++) {
        if (lot < shares[i].share)
            return shares[i].kind;
        lot -= shares[i].share;
    }
    UNREACHABLE();
}

#define CHOOSE(random, shares)                                                                     \
    workload_choose((random), (shares), sizeof(shares) / sizeof *(shares))

bool workload_expires(const struct operation *operation) {
    return operation_kind_facts(operation->kind)->object == OBJECT_STRING &&
           operation->key % 3 == 0;
}

void workload_ballast_name(unsigned number, char out[OPERATION_NAME_BYTES]) {
    snprintf(out, OPERATION_NAME_BYTES, "ballast:%u", number);
}

static enum operation_kind workload_kind(struct random *random, const struct operation *read) {
    switch (operation_kind_facts(read->kind)->object) {
    case OBJECT_STRING:
        return workload_expires(read) ? CHOOSE(random, expiring_shares)
                                      : CHOOSE(random, string_shares);
    case OBJECT_HASH:
        return CHOOSE(random, hash_shares);
    case OBJECT_GROUP:
        return CHOOSE(random, group_shares);
    case OBJECT_COUNT:
        break;
    }
    UNREACHABLE();
}

static bool is_counting(enum operation_kind kind) {
    return kind == OPERATION_INCRBY || kind == OPERATION_HINCRBY || kind == OPERATION_GROUP_INCRBY;
}

void workload_next(struct simulation *simulation, uint32_t client, bool is_only_read,
                   struct operation *operation) {
    struct random *random = &simulation->random;
    unsigned place = (unsigned)random_below(random, WORKLOAD_PLACE_COUNT);
    *operation = workload_whole_read(place);
    operation->client = client;
    if (!is_only_read)
        operation->kind = workload_kind(random, operation);
    if (operation_kind_facts(operation->kind)->object != OBJECT_STRING)
        operation->field = (uint8_t)random_below(random, MODEL_FIELD_COUNT);
    operation->argument2 = (int64_t)random_between(random, 1, WORKLOAD_EXPIRY_MOST_MS);
    operation->argument =
        is_counting(operation->kind) ? 1 : (simulation->next_value += WORKLOAD_VALUE_STEP);
}
