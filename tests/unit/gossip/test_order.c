/* Members in the order of their UUIDs, beside an array that will always tell the truth. */
#include "../unit.h"
#include "base/random.h"
#include "gossip/members/index.h"
#include "gossip/members/member.h"
#include "gossip/members/order.h"

enum { MANY = 3000, ROUNDS = 20000 };

struct people {
    struct gossip_identity who[MANY];
    struct member members[MANY], *seated[MANY];
    bool is_in[MANY];
};

/* `spread`: UUIDs by lot; otherwise all alike but for their last bytes. */
static void people_name(struct people *people, struct random *random, bool spread) {
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t first = spread ? random_next(random) : 0;
        memcpy(people->who[i].uuid, &first, sizeof first);
        people->who[i].uuid[14] = (uint8_t)(i >> 8);
        people->who[i].uuid[15] = (uint8_t)i;
        people->members[i].shown.who = &people->who[i];
        people->members[i].shown.seat = (uint16_t)i;
        people->seated[i] = &people->members[i];
    }
}

/* The first become the last. */
static void people_change_seats(struct people *people, struct order *order) {
    static uint16_t numbers[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        uint16_t *seat = &people->members[i].shown.seat;
        numbers[*seat] = (uint16_t)(MANY - 1 - *seat);
        *seat = numbers[*seat];
        people->seated[*seat] = &people->members[i];
    }
    order_renumber(order, numbers);
}

static unsigned people_next(const struct people *people, const uint8_t *uuid) {
    unsigned best = MANY;
    for (unsigned i = 0; i < MANY; i++)
        if (people->is_in[i] && memcmp(people->who[i].uuid, uuid, GOSSIP_UUID_BYTES) >= 0 &&
            (best == MANY ||
             memcmp(people->who[i].uuid, people->who[best].uuid, GOSSIP_UUID_BYTES) < 0))
            best = i;
    return best;
}

static const struct member *find(const struct order *order, const struct people *people,
                                 const uint8_t *uuid) {
    struct order_cursor cursor = order_from(order, people->seated, uuid);
    const struct member *member = order_peek(&cursor);
    bool is_found = member != NULL && memcmp(member->shown.who->uuid, uuid, GOSSIP_UUID_BYTES) == 0;
    return is_found ? member : NULL;
}

static void check_walk(const struct order *order, const struct people *people) {
    uint8_t zeros[GOSSIP_UUID_BYTES] = {0};
    struct order_cursor cursor = order_from(order, people->seated, zeros);
    const uint8_t *before = NULL;
    unsigned count = 0, wanted = 0;
    for (const struct member *member; (member = order_peek(&cursor)) != NULL;
         order_step(&cursor), count++) {
        assert_true(before == NULL ||
                    memcmp(before, member->shown.who->uuid, GOSSIP_UUID_BYTES) < 0);
        before = member->shown.who->uuid;
    }
    for (unsigned i = 0; i < MANY; i++)
        wanted += people->is_in[i];
    assert_int_equal(count, wanted);
}

static void check_against_the_truth(bool spread) {
    static struct people people;
    memset(&people, 0, sizeof people);
    struct random random;
    random_init(&random, 1);
    people_name(&people, &random, spread);
    struct order order = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)random_below(&random, MANY);
        bool is_filling = round < ROUNDS / 2;
        if (!people.is_in[i] && (is_filling || random_chance(&random, 0.2))) {
            order_add(&order, people.seated, &people.members[i]);
            people.is_in[i] = true;
        } else if (people.is_in[i] && (!is_filling || random_chance(&random, 0.2))) {
            order_remove(&order, people.seated, &people.members[i]);
            people.is_in[i] = false;
        }
        if (round == ROUNDS / 4)
            people_change_seats(&people, &order);
        assert_true((find(&order, &people, people.who[i].uuid) == &people.members[i]) ==
                    people.is_in[i]);
        if (round % 500 != 0)
            continue;
        struct order_cursor cursor = order_from(&order, people.seated, people.who[i].uuid);
        unsigned next = people_next(&people, people.who[i].uuid);
        assert_ptr_equal(order_peek(&cursor), next == MANY ? NULL : &people.members[next]);
        check_walk(&order, &people);
    }
    order_release(&order);
}

static void test_spread_uuids(void **state) {
    (void)state;
    check_against_the_truth(true);
}

static void test_uuids_that_begin_alike(void **state) {
    (void)state;
    check_against_the_truth(false);
}

/* The index, beside an array as well: filled, found in, cleared, filled again. */
static void test_index(void **state) {
    (void)state;
    static struct people people;
    static struct member *members[MANY];
    struct random random;
    random_init(&random, 2);
    people_name(&people, &random, false);
    struct index index = {0};
    assert_null(index_find(&index, members, people.who[0].uuid));
    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < MANY; i++) {
            assert_null(index_find(&index, members, people.who[i].uuid));
            members[i] = &people.members[i];
            index_add(&index, people.who[i].uuid, i);
        }
        for (unsigned i = 0; i < MANY; i++)
            assert_ptr_equal(index_find(&index, members, people.who[i].uuid), members[i]);
        index_clear(&index);
    }
    index_release(&index);
}

static void test_empty_order(void **state) {
    (void)state;
    struct order order = {0};
    uint8_t uuid[GOSSIP_UUID_BYTES] = {1};
    struct order_cursor cursor = order_from(&order, NULL, uuid);
    assert_null(order_peek(&cursor));
    order_release(&order);
}

RUN_TESTS(cmocka_unit_test(test_spread_uuids), cmocka_unit_test(test_uuids_that_begin_alike),
          cmocka_unit_test(test_index), cmocka_unit_test(test_empty_order))
