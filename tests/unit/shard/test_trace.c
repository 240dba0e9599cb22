/* A command with a trace id is found in the log lines of every replica that its entry passes, a
 * line a stage; a command without one leaves none. */
#include "../unit.h"
#include "base/memory.h"
#include "shard/state/moments.h"
#include "world.h"

static uint64_t propose_traced(struct world *world, const char *id, const char *command) {
    shard_trace_next(world_shard(world, 1), bytes_of_text(id));
    return world_propose(world, 1, command);
}

/* The stages that a replica has logged for an id, in order: "proposed appended ". */
static const char *stages(struct world *world, raft_node_number number, const char *id) {
    static char text[1024];
    char wanted[128];
    struct buffer *lines = &world->replicas[number].lines;
    buffer_append_u8(lines, 0);
    text[0] = '\0';
    snprintf(wanted, sizeof wanted, "trace=%s stage=", id);
    for (const char *at = (const char *)buffer_data(lines); (at = strstr(at, wanted));) {
        at += strlen(wanted);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%.*s ", (int)strcspn(at, " "), at);
    }
    buffer_truncate(lines, lines->length - 1);
    return text;
}

static void test_every_replica_logs_every_stage(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_propose(world, 1, "SET before x");
    uint64_t ticket = propose_traced(world, "abc-1", "SET k v");
    world_propose(world, 1, "SET after x");
    world_settle(world);
    world_run(world, 200);
    assert_answer(world, ticket, "DONE +OK|");
    assert_string_equal(stages(world, 1, "abc-1"), "proposed appended durable committed applied ");
    for (raft_node_number node = 2; node <= 3; node++) {
        assert_string_equal(stages(world, node, "abc-1"), "appended durable committed applied ");
        assert_true(world_has_logged(world, node, "position=1"));
    }
    assert_true(world_is_equal(world));
    world_free(world);
}

static void test_no_id_no_line(void **state) {
    (void)state;
    struct world *world = world_led(3);
    propose_traced(world, "abc-1", "SET k v");
    world_propose(world, 1, "SET k w"); /* the id was of the command before */
    world_settle(world);
    world_propose(world, 1, "SET k x");
    world_run(world, 200);
    unsigned lines = 0;
    struct bytes logged = buffer_bytes(&world->replicas[2].lines);
    for (size_t i = 0; i + 6 < logged.length; i++)
        lines += memcmp(logged.data + i, "trace=", 6) == 0;
    assert_int_equal(lines, 4);
    world_free(world);
}

/* A follower may hear of the commit before its own disk is done. */
static bool has_all_stages(const char *stages) {
    return strstr(stages, "appended ") == stages && strstr(stages, "durable ") &&
           strstr(stages, "committed applied ");
}

/* More than an entry has room for become several entries; all are traced. */
static void test_many_in_a_turn(void **state) {
    (void)state;
    struct world *world = world_led(3);
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
    memset(id, 'i', sizeof id);
    id[PAYLOAD_TRACE_ID_MAXIMUM] = '\0';
    for (unsigned i = 0; i < 2 * PAYLOAD_TRACE_MAXIMUM + 1; i++) {
        id[0] = (char)('A' + i % 26);
        id[1] = (char)('a' + i / 26);
        assert_int_not_equal(propose_traced(world, id, "INCR n"), 0);
    }
    world_settle(world);
    world_run(world, 200);
    assert_true(has_all_stages(stages(world, 3, id)));
    id[0] = 'A', id[1] = 'a';
    assert_true(has_all_stages(stages(world, 2, id)));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A leader that is cut off appends, another leads, and the entry gives way. */
static void test_what_is_truncated_says_so(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 1, true);
    propose_traced(world, "lost", "SET k v");
    world_settle(world);
    assert_string_equal(stages(world, 1, "lost"), "proposed appended durable ");
    world_elect(world, 2);
    world_propose(world, 2, "SET k w");
    world_settle(world);
    world_let_back(world, 1, 2000);
    assert_string_equal(stages(world, 1, "lost"), "proposed appended durable truncated ");
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A refused command's id is not for the next one. */
static void test_refused_is_forgotten(void **state) {
    (void)state;
    struct world *world = world_led(3);
    shard_trace_next(world_shard(world, 2), BYTES_LITERAL("nobody"));
    assert_int_equal(world_try(world, 2, "SET k v"), ERR_NOT_LEADER);
    world_elect(world, 2);
    world_propose(world, 2, "SET k v");
    world_run(world, 200);
    assert_string_equal(stages(world, 2, "nobody"), "");
    world_free(world);
}

/* ---- after the fact ---- */

static struct shard_place newest_place(struct world *world) {
    const struct raft *raft = world_raft(world, 1);
    raft_index index = raft_last_index(raft);
    return (struct shard_place){.index = index, .term = raft_term_at(raft, index)};
}

static void look_back(struct world *world, raft_node_number number, struct shard_place place) {
    shard_trace_back(world_shard(world, number), place, BYTES_LITERAL("slow"));
}

/* Nobody had asked; every replica still knows when its entry came how far. */
static void test_stages_are_told_afterwards(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_propose(world, 1, "SET k v");
    world_settle(world);
    struct shard_place place = newest_place(world);
    world_propose(world, 1, "SET after x");
    world_run(world, 200);
    assert_string_equal(stages(world, 1, "slow"), "");
    for (raft_node_number node = 1; node <= 3; node++)
        look_back(world, node, place);
    assert_string_equal(stages(world, 1, "slow"), "appended durable committed applied "
                                                  "acknowledged-by-2 acknowledged-by-3 ");
    assert_string_equal(stages(world, 2, "slow"), "appended durable committed applied ");
    assert_string_equal(stages(world, 3, "slow"), "appended durable committed applied ");
    assert_true(world_has_logged(world, 2, "ago_us="));
    world_run(world, 200);
    assert_string_equal(stages(world, 2, "slow"), "appended durable committed applied ");
    world_free(world);
}

/* A follower whose disk takes its time says the rest when it comes. */
static void test_what_is_left_is_told_as_it_comes(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[3].is_disk_held = true;
    world_propose(world, 1, "SET k v");
    world_settle(world);
    struct shard_place place = newest_place(world);
    look_back(world, 3, place);
    assert_string_equal(stages(world, 3, "slow"), "appended ");
    world_run(world, 500);
    assert_string_equal(stages(world, 3, "slow"), "appended committed applied ");
    world->replicas[3].is_disk_held = false;
    world_settle(world);
    world_run(world, 100);
    assert_string_equal(stages(world, 3, "slow"), "appended committed applied durable ");
    assert_int_equal(shard_awaits_log(world_shard(world, 3)), 0);
    world_free(world);
}

/* A follower that has not been sent the entry yet says so, and the rest when it has. */
static void test_what_has_not_come_is_awaited(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 3, true);
    world_propose(world, 1, "SET k v");
    world_run(world, 50);
    struct shard_place place = newest_place(world), elsewhere = place;
    elsewhere.term++;
    look_back(world, 3, place);
    assert_string_equal(stages(world, 3, "slow"), "ahead ");
    world_let_back(world, 3, 1000);
    assert_string_equal(stages(world, 3, "slow"), "ahead appended committed applied durable ");
    world_run(world, 1000);
    assert_string_equal(stages(world, 3, "slow"), "ahead appended committed applied durable ");
    world_free(world);
}

/* Another entry came in its place; and of many that never come, no more than a few are kept. */
static void test_what_never_comes_is_not_awaited_for_ever(void **state) {
    (void)state;
    struct world *world = world_led(3);
    struct shard_place next = newest_place(world);
    next.index++;
    next.term++;
    look_back(world, 3, next);
    for (unsigned i = 0; i < 3 * SHARD_TRACE_AWAITED_MAXIMUM; i++)
        shard_trace_back(world_shard(world, 2), next, BYTES_LITERAL("many"));
    world_propose(world, 1, "SET k v");
    world_run(world, 200);
    assert_string_equal(stages(world, 3, "slow"), "ahead gone ");
    size_t length = strlen(stages(world, 2, "many")), once = strlen("ahead "),
           gone = strlen("gone ");
    assert_int_equal(length,
                     3 * SHARD_TRACE_AWAITED_MAXIMUM * once + SHARD_TRACE_AWAITED_MAXIMUM * gone);
    world_free(world);
}

static void test_what_is_gone_is_said_to_be(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_propose(world, 1, "SET k v");
    world_settle(world);
    struct shard_place place = newest_place(world), elsewhere = place;
    elsewhere.term++;
    look_back(world, 2, elsewhere); /* another leader's entry */
    assert_string_equal(stages(world, 2, "slow"), "gone ");
    for (unsigned i = 0; i < MOMENTS_ENTRY_MAXIMUM; i++) {
        world_propose(world, 1, "SET k w");
        world_settle(world);
    }
    world_run(world, 10); /* until a follower that is served lazily has them too */
    look_back(world, 3, place);
    assert_string_equal(stages(world, 3, "slow"), "gone ");
    world->replicas[1].config.trace_after_slow = false;
    world_propose(world, 1, "SET k x");
    world_settle(world);
    look_back(world, 1, newest_place(world));
    assert_string_equal(stages(world, 1, "slow"), "gone ");
    world_free(world);
}

static void append_up_to(struct moments *moments, raft_index last) {
    static const uint64_t now_us = 1000;
    for (struct raft_entry entry = {.index = 1, .term = 1}; entry.index <= last; entry.index++)
        if (!moments_find(moments, entry.index, 1))
            moments_append(moments, &entry, now_us, now_us);
}

/* Replicas come and go: one that was moved away has its place for as long as the ring holds what it
 * acknowledged, then the next to come has it, and nothing of the former is told as its own. */
static void test_a_place_is_given_on(void **state) {
    (void)state;
    struct moments moments = {0};
    append_up_to(&moments, 10);
    for (raft_node_number peer = 2; peer < 2 + MOMENTS_PEER_MAXIMUM; peer++)
        moments_acknowledge(&moments, peer, peer == 5 ? 9 : 10, 1000);
    append_up_to(&moments, 8 + MOMENTS_ENTRY_MAXIMUM);
    moments_acknowledge(&moments, 70, 8 + MOMENTS_ENTRY_MAXIMUM, 2000);
    for (unsigned i = 0; i < MOMENTS_PEER_MAXIMUM; i++)
        assert_int_equal(moments.peers[i].node, 2 + i);
    /* Nothing is appended any more: entry 9 stays, with what 5 acknowledged. */
    moments_acknowledge(&moments, 70, 9 + MOMENTS_ENTRY_MAXIMUM, 2000);
    assert_int_equal(moments.peers[3].node, 70);
    assert_int_equal(moments.peers[3].noted_to, 9 + MOMENTS_ENTRY_MAXIMUM);
    const struct moments_entry *old = moments_find(&moments, 9, 1);
    const struct moments_entry *newest = moments_find(&moments, 8 + MOMENTS_ENTRY_MAXIMUM, 1);
    assert_int_equal(old->acknowledged_us[3], 0);
    assert_int_not_equal(old->acknowledged_us[0], 0);
    assert_int_equal(newest->acknowledged_us[3], 1001);
    moments_release(&moments);
}

/* What the ring says against a table of all entries. */
enum { MODEL_ENTRIES = 4000 };
struct model {
    struct moments_entry entries[MODEL_ENTRIES];
    raft_index last, furthest, reached[MOMENT_COUNT];
};

static void model_step(struct model *model, struct moments *moments, struct random *random,
                       uint64_t now_us) {
    unsigned stage = (unsigned)random_below(random, MOMENT_COUNT);
    if (random_below(random, 40) == 0) {
        raft_index from = model->last - random_below(random, 5);
        memset(&model->entries[from], 0, (MODEL_ENTRIES - from) * sizeof model->entries[0]);
        model->last = from - 1;
        for (unsigned i = 0; i < MOMENT_COUNT; i++)
            model->reached[i] = model->reached[i] < from ? model->reached[i] : from - 1;
        moments_truncate(moments, from);
    } else if (stage == MOMENT_APPENDED) {
        struct raft_entry entry = {.index = ++model->last, .term = 1 + now_us / 100};
        model->entries[entry.index] = (struct moments_entry){
            .index = entry.index, .term = entry.term, .begun_us = now_us - 1, .reached_us = {2}};
        moments_append(moments, &entry, now_us - 1, now_us);
        model->furthest = model->last > model->furthest ? model->last : model->furthest;
    } else {
        raft_index most = model->last - model->reached[stage];
        raft_index to = model->reached[stage] + (most ? random_below(random, most + 1) : 0);
        for (raft_index i = model->reached[stage] + 1; i <= to; i++) {
            struct moments_entry *entry = &model->entries[i];
            entry->reached_us[stage] = (uint32_t)(now_us - entry->begun_us) + 1;
        }
        model->reached[stage] = to;
        moments_reach(moments, (enum moment)stage, to, now_us);
    }
}

static void test_moments_tell_the_truth(void **state) {
    (void)state;
    struct model *model = memory_allocate_zeroed(1, sizeof *model);
    struct moments moments = {0};
    struct random random;
    random_init(&random, 7);
    model->last = 20;
    for (unsigned i = 1; i < MOMENT_COUNT; i++)
        model->reached[i] = moments.noted_to[i] = 20;
    for (uint64_t now_us = 1000; now_us < 9000 && model->last < MODEL_ENTRIES - 1; now_us++) {
        model_step(model, &moments, &random, now_us);
        for (raft_index i = 21; i <= model->last; i++) {
            const struct moments_entry *known = moments_find(&moments, i, model->entries[i].term);
            if (i + MOMENTS_ENTRY_MAXIMUM > model->furthest) {
                assert_non_null(known);
                assert_memory_equal(known, &model->entries[i], sizeof *known);
            } else {
                assert_null(known);
            }
        }
    }
    moments_release(&moments);
    memory_free(model);
}

RUN_TESTS(cmocka_unit_test(test_every_replica_logs_every_stage),
          cmocka_unit_test(test_no_id_no_line), cmocka_unit_test(test_many_in_a_turn),
          cmocka_unit_test(test_what_is_truncated_says_so),
          cmocka_unit_test(test_refused_is_forgotten),
          cmocka_unit_test(test_stages_are_told_afterwards),
          cmocka_unit_test(test_what_is_left_is_told_as_it_comes),
          cmocka_unit_test(test_what_has_not_come_is_awaited),
          cmocka_unit_test(test_what_never_comes_is_not_awaited_for_ever),
          cmocka_unit_test(test_what_is_gone_is_said_to_be),
          cmocka_unit_test(test_a_place_is_given_on), cmocka_unit_test(test_moments_tell_the_truth))
