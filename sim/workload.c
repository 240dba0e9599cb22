#include "sim/workload.h"
#include "base/check.h"

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

void workload_next(struct simulation *simulation, uint32_t client, bool is_only_read,
                   struct operation *operation) {
    struct random *random = &simulation->random;
    *operation = (struct operation){.client = client};
    uint64_t lot = random_below(random, SIM_KEY_COUNT + SIM_HASH_COUNT);
    if (lot >= SIM_KEY_COUNT) {
        operation->key = (uint32_t)lot - SIM_KEY_COUNT;
        operation->kind = CHOOSE(random, hash_shares);
        operation->field = (uint8_t)random_below(random, MODEL_FIELD_COUNT);
    } else {
        operation->key = (uint32_t)lot;
        operation->kind =
            lot % 3 == 0 ? CHOOSE(random, expiring_shares) : CHOOSE(random, string_shares);
    }
    if (is_only_read)
        operation->kind = lot >= SIM_KEY_COUNT ? OPERATION_HGETALL : OPERATION_GET;
    operation->argument2 = (int64_t)random_between(random, 1, WORKLOAD_EXPIRY_MOST_MS);
    if (operation->kind == OPERATION_INCRBY || operation->kind == OPERATION_HINCRBY)
        operation->argument = 1;
    else
        operation->argument = simulation->next_value += WORKLOAD_VALUE_STEP;
}
