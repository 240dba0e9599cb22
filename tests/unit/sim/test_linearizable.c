/* Histories small enough to judge by hand, and random ones that are linearizable because they were
 * made so. */
#include "../unit.h"

#include "base/random.h"
#include "sim/history/linearizable.h"

static struct operation known(enum operation_kind kind, int64_t argument, uint64_t from,
                              uint64_t to, enum result_kind result, int64_t value) {
    return (struct operation){.kind = kind,
                              .argument = argument,
                              .invoked_us = from,
                              .returned_us = to,
                              .result = {.kind = result, .value = {value}}};
}

static struct operation unknown(enum operation_kind kind, int64_t argument, uint64_t from) {
    return (struct operation){
        .kind = kind, .argument = argument, .invoked_us = from, .returned_us = OPERATION_UNKNOWN};
}

#define VERDICT(...)                                                                               \
    verdict_of((const struct operation[]){__VA_ARGS__},                                            \
               sizeof((const struct operation[]){__VA_ARGS__}) / sizeof(struct operation))
static enum verdict verdict_of(const struct operation *operations, size_t count) {
    size_t culprit;
    return linearizable_check(operations, count, &culprit);
}

#define SET(value, from, to)   known(OPERATION_SET, value, from, to, RESULT_OK, 0)
#define GET(value, from, to)   known(OPERATION_GET, 0, from, to, RESULT_VALUE, value)
#define GET_NIL(from, to)      known(OPERATION_GET, 0, from, to, RESULT_NIL, 0)
#define INCR(result, from, to) known(OPERATION_INCRBY, 1, from, to, RESULT_INTEGER, result)

/* A group's keys are written and read at once: half of an MSET is never seen, and MSETNX leaves all
 * alone where one exists. */
static void many_keys_change_at_once(void **state) {
    (void)state;
    struct operation mset = known(OPERATION_MSET, 10, 1, 4, RESULT_OK, 0);
    struct operation mget = known(OPERATION_MGET, 0, 2, 3, RESULT_FIELDS, 10);
    mget.result.present = 7;
    mget.result.value[1] = 11;
    mget.result.value[2] = 12;
    assert_int_equal(VERDICT(mset, mget), LINEARIZABLE);
    struct operation torn = mget;
    torn.result.present = 3;
    torn.result.value[2] = 0;
    assert_int_equal(VERDICT(mset, torn), NOT_LINEARIZABLE);

    struct operation refused = known(OPERATION_MSETNX, 20, 5, 6, RESULT_INTEGER, 0);
    struct operation counted = known(OPERATION_GROUP_EXISTS, 0, 7, 8, RESULT_INTEGER, 3);
    struct operation deleted = known(OPERATION_GROUP_DEL, 0, 9, 10, RESULT_INTEGER, 3);
    struct operation done = known(OPERATION_MSETNX, 30, 11, 12, RESULT_INTEGER, 1);
    assert_int_equal(VERDICT(mset, refused, counted, deleted, done), LINEARIZABLE);
    assert_int_equal(VERDICT(mset, refused, counted, done), NOT_LINEARIZABLE);
}

static void a_read_after_a_write_sees_it(void **state) {
    (void)state;
    assert_int_equal(VERDICT(SET(7, 1, 2), GET(7, 3, 4)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), GET_NIL(3, 4)), NOT_LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), SET(8, 3, 4), GET(7, 5, 6)), NOT_LINEARIZABLE);
}

static void a_read_beside_a_write_sees_either(void **state) {
    (void)state;
    assert_int_equal(VERDICT(SET(7, 1, 5), GET(7, 2, 3)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 5), GET_NIL(2, 3)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 9), GET(7, 2, 3), GET_NIL(4, 5)), NOT_LINEARIZABLE);
}

static void an_unknown_write_may_come_late_or_never_but_once(void **state) {
    (void)state;
    assert_int_equal(VERDICT(unknown(OPERATION_SET, 7, 1), GET_NIL(2, 3), GET(7, 4, 5)),
                     LINEARIZABLE);
    assert_int_equal(VERDICT(unknown(OPERATION_SET, 7, 1), GET_NIL(2, 3), GET_NIL(4, 5)),
                     LINEARIZABLE);
    assert_int_equal(
        VERDICT(unknown(OPERATION_SET, 7, 1), GET(7, 2, 3), SET(8, 4, 5), GET(7, 6, 7)),
        NOT_LINEARIZABLE);
    assert_int_equal(VERDICT(INCR(1, 1, 2), unknown(OPERATION_INCRBY, 1, 3), INCR(3, 4, 5)),
                     LINEARIZABLE);
    assert_int_equal(VERDICT(INCR(1, 1, 2), unknown(OPERATION_INCRBY, 1, 3), INCR(4, 4, 5)),
                     NOT_LINEARIZABLE);
}

static void a_lost_increment_is_found(void **state) {
    (void)state;
    assert_int_equal(VERDICT(INCR(1, 1, 4), INCR(2, 2, 5)), LINEARIZABLE);
    assert_int_equal(VERDICT(INCR(1, 1, 4), INCR(1, 2, 5)), NOT_LINEARIZABLE);
}

static void an_expired_key_stays_gone(void **state) {
    (void)state;
    struct operation set = known(OPERATION_SET_PX, 7, 1, 2, RESULT_OK, 0);
    assert_int_equal(VERDICT(set, GET(7, 3, 4), GET_NIL(5, 6)), LINEARIZABLE);
    assert_int_equal(VERDICT(set, GET_NIL(3, 4), GET(7, 5, 6)), NOT_LINEARIZABLE);
    assert_int_equal(VERDICT(set, unknown(OPERATION_INCRBY, 1, 3), GET(1, 4, 5)), LINEARIZABLE);
}

static void a_pipeline_keeps_its_order(void **state) {
    (void)state;
    struct operation second = SET(8, 1, 5);
    second.after = 1;
    assert_int_equal(VERDICT(SET(7, 1, 4), second, GET(8, 6, 7)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 4), second, GET(7, 6, 7)), NOT_LINEARIZABLE);
}

/* FLUSHALL of a node that led the key's shard empties it; of one that may have led it, it does so
 * before it is answered, or never. */
static void a_part_of_a_flush_is_done_before_its_answer_or_never(void **state) {
    (void)state;
    struct operation flush = known(OPERATION_FLUSH, 0, 3, 6, RESULT_OK, 0);
    assert_int_equal(VERDICT(SET(7, 1, 2), flush, GET_NIL(7, 8)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), flush, GET(7, 4, 5)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), flush, GET(7, 7, 8)), NOT_LINEARIZABLE);
    struct operation perhaps = flush;
    perhaps.is_perhaps = true;
    assert_int_equal(VERDICT(SET(7, 1, 2), perhaps, GET_NIL(7, 8)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), perhaps, GET(7, 7, 8)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), perhaps, GET(7, 4, 9), GET_NIL(10, 11)), LINEARIZABLE);
    assert_int_equal(VERDICT(SET(7, 1, 2), perhaps, GET(7, 7, 8), GET_NIL(9, 10)),
                     NOT_LINEARIZABLE);
    struct operation behind = SET(8, 3, 7);
    behind.after = 2;
    assert_int_equal(VERDICT(SET(7, 1, 2), perhaps, behind, GET_NIL(8, 9)), NOT_LINEARIZABLE);
    struct operation lost = unknown(OPERATION_FLUSH, 0, 3);
    assert_int_equal(VERDICT(SET(7, 1, 2), lost, GET(7, 7, 8), GET_NIL(9, 10)), LINEARIZABLE);
}

static void many_unknown_writes_are_no_burden(void **state) {
    (void)state;
    struct operation operations[400];
    size_t count = 0;
    for (unsigned i = 0; i < 100; i++) {
        operations[count++] = unknown(i % 3 ? OPERATION_SET : OPERATION_INCRBY,
                                      i % 3 ? 1000 + (int64_t)i : 1, 10 * i + 1);
        operations[count++] = SET(5000 + (int64_t)i, 10 * i + 2, 10 * i + 3);
        operations[count++] = GET(5000 + (int64_t)i, 10 * i + 4, 10 * i + 5);
    }
    assert_int_equal(verdict_of(operations, count), LINEARIZABLE);
    operations[count - 1].result.value[0] = 5001; /* a value long overwritten, and known to be */
    assert_int_equal(verdict_of(operations, count), NOT_LINEARIZABLE);
}

enum { RANDOM_OPERATIONS = 800, RANDOM_CLIENTS = 5 };

/* Each operation takes effect at one moment between its invocation and its return. */
static size_t make_history(struct random *random, struct operation *operations) {
    struct model_state state = {0};
    uint64_t free_from[RANDOM_CLIENTS] = {0};
    uint64_t now = 100;
    for (size_t i = 0; i < RANDOM_OPERATIONS; i++) {
        unsigned client = (unsigned)random_below(random, RANDOM_CLIENTS);
        static const enum operation_kind kinds[] = {OPERATION_GET,    OPERATION_SET,
                                                    OPERATION_INCRBY, OPERATION_GETSET,
                                                    OPERATION_SET_NX, OPERATION_DEL};
        now += random_between(random, 1, 20);
        uint64_t earliest = now > 60 ? now - 60 : 0;
        struct operation operation = {.kind = kinds[random_below(random, 6)],
                                      .argument = (int64_t)i * 1000};
        if (operation.kind == OPERATION_INCRBY)
            operation.argument = 1;
        operation.invoked_us = free_from[client] > earliest ? free_from[client]
                                                            : random_between(random, earliest, now);
        if (operation.invoked_us > now)
            now = operation.invoked_us;
        model_apply(&state, &operation, &operation.result);
        operation.returned_us = now + random_below(random, 60);
        free_from[client] = operation.returned_us + 1;
        if (random_chance(random, 0.02))
            operation.returned_us = OPERATION_UNKNOWN;
        operations[i] = operation;
    }
    return RANDOM_OPERATIONS;
}

static void true_histories_pass_and_altered_ones_do_not(void **state) {
    (void)state;
    static struct operation operations[RANDOM_OPERATIONS];
    unsigned altered_found = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random random;
        random_init(&random, seed);
        size_t count = make_history(&random, operations);
        assert_int_equal(verdict_of(operations, count), LINEARIZABLE);
        size_t i = (size_t)random_below(&random, count);
        while (operations[i].kind != OPERATION_GET || operations[i].result.kind != RESULT_VALUE ||
               operations[i].returned_us == OPERATION_UNKNOWN)
            i = (i + 1) % count;
        operations[i].result.value[0] = -5;
        altered_found += verdict_of(operations, count) == NOT_LINEARIZABLE;
    }
    assert_int_equal(altered_found, 10);
}

RUN_TESTS(cmocka_unit_test(many_keys_change_at_once),
          cmocka_unit_test(a_read_after_a_write_sees_it),
          cmocka_unit_test(a_read_beside_a_write_sees_either),
          cmocka_unit_test(an_unknown_write_may_come_late_or_never_but_once),
          cmocka_unit_test(a_lost_increment_is_found), cmocka_unit_test(an_expired_key_stays_gone),
          cmocka_unit_test(a_pipeline_keeps_its_order),
          cmocka_unit_test(a_part_of_a_flush_is_done_before_its_answer_or_never),
          cmocka_unit_test(many_unknown_writes_are_no_burden),
          cmocka_unit_test(true_histories_pass_and_altered_ones_do_not))
