/* The log against a plain array of terms that always tells the truth. */
#include "../unit.h"

#include "base/random.h"
#include "raft/parts/log.h"

enum { INDEX_MAXIMUM = 4000 };

struct model {
    raft_term terms[INDEX_MAXIMUM + 1];
    raft_index base, last;
};

static void append(struct raft_log *log, struct model *model, raft_term term) {
    struct raft_entry *entry = raft_entry_new(3);
    memcpy(raft_entry_payload_room(entry), "abc", 3);
    raft_entry_seal(entry, term, ++model->last, RAFT_ENTRY_COMMANDS);
    model->terms[model->last] = term;
    raft_log_append(log, entry);
}

static raft_index first_of_term(const struct model *model, raft_index low, raft_index high,
                                raft_term term) {
    while (low <= high && model->terms[low] < term)
        low++;
    return low;
}

static void compare(const struct raft_log *log, const struct model *model, struct random *random) {
    assert_int_equal(raft_log_last_index(log), model->last);
    assert_int_equal(log->bytes, (model->last - model->base) * 35);
    assert_int_equal(raft_log_term(log, model->last + 1), 0);
    assert_int_equal(raft_log_term(log, model->base), model->terms[model->base]);
    assert_false(raft_log_holds(log, model->base));
    if (model->base > 0)
        assert_int_equal(raft_log_term(log, model->base - 1), 0);
    if (model->base == model->last)
        return;
    raft_index index = random_between(random, model->base + 1, model->last);
    raft_index high = random_between(random, index, model->last);
    raft_term term = random_below(random, 100);
    assert_int_equal((*raft_log_at(log, index))->index, index);
    assert_int_equal(raft_log_term(log, index), model->terms[index]);
    assert_int_equal(raft_log_first_of_term(log, index, high, term),
                     first_of_term(model, index, high, term));
}

static void test_against_model(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 3);
    struct raft_log log;
    static struct model model;
    raft_log_init(&log, 0, 0);
    while (model.last < INDEX_MAXIMUM - 20) {
        uint64_t lot = random_below(&random, 100);
        if (lot < 92)
            append(&log, &model,
                   model.terms[model.last] + 1 + random_below(&random, 20) / 19 - 1 +
                       (model.last == 0));
        else if (lot < 95 && model.last > model.base) {
            model.last = random_between(&random, model.base, model.last);
            raft_log_truncate(&log, model.last + 1);
        } else if (lot < 98) {
            model.base = random_between(&random, model.base, model.last);
            raft_log_compact(&log, model.base);
        } else if (lot == 99) {
            model.base = model.last += 5;
            model.terms[model.base] = model.terms[model.base - 5] + 1;
            raft_log_reset(&log, model.base, model.terms[model.base]);
        }
        compare(&log, &model, &random);
    }
    raft_log_release(&log);
}

/* A log that was long, as after a start or while a follower was away, takes no memory for what it
 * held. */
static void test_gives_back_what_a_long_log_took(void **state) {
    (void)state;
    struct raft_log log;
    static struct model model;
    raft_log_init(&log, 0, 0);
    model = (struct model){.base = 0, .last = 0};
    while (model.last < INDEX_MAXIMUM)
        append(&log, &model, 1);
    size_t most = log.capacity;
    raft_log_compact(&log, INDEX_MAXIMUM / 2);
    assert_int_equal(log.capacity, most); /* it may grow again */
    raft_log_compact(&log, INDEX_MAXIMUM - 10);
    assert_true(log.capacity * 4 <= most);
    assert_int_equal(log.count, 10);
    for (raft_index index = INDEX_MAXIMUM - 9; index <= INDEX_MAXIMUM; index++)
        assert_int_equal((*raft_log_at(&log, index))->index, index);
    raft_log_release(&log);
}

RUN_TESTS(cmocka_unit_test(test_gives_back_what_a_long_log_took),
          cmocka_unit_test(test_against_model))
