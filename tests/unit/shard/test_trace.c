/* A command with a trace id is found in the log lines of every replica that its entry passes, a
 * line a stage; a command without one leaves none. */
#include "../unit.h"
#include "base/memory.h"
#include "world.h"

static struct world *started(unsigned replica_count) {
    struct world *world = memory_allocate_zeroed(1, sizeof(*world));
    world_init(world, replica_count);
    world_start_all(world);
    world_elect(world, 1);
    return world;
}

static void end(struct world *world) {
    world_release(world);
    memory_free(world);
}

static uint64_t propose_traced(struct world *world, const char *id, const char *command) {
    shard_trace_next(world->replicas[1].shard, bytes_of_text(id));
    return world_propose(world, 1, command);
}

/* The stages that a replica has logged for an id, in order: "proposed appended ". */
static const char *stages(struct world *world, raft_node_number number, const char *id) {
    static char text[1024];
    char wanted[128];
    struct buffer *lines = &world->replicas[number].lines;
    buffer_append_u8(lines, 0);
    text[0] = '\0';
    snprintf(wanted, sizeof(wanted), "trace=%s stage=", id);
    for (const char *at = (const char *)buffer_data(lines); (at = strstr(at, wanted));) {
        at += strlen(wanted);
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%.*s ", (int)strcspn(at, " "), at);
    }
    buffer_truncate(lines, lines->length - 1);
    return text;
}

static void test_every_replica_logs_every_stage(void **state) {
    (void)state;
    struct world *world = started(3);
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
    end(world);
}

static void test_no_id_no_line(void **state) {
    (void)state;
    struct world *world = started(3);
    propose_traced(world, "abc-1", "SET k v");
    world_propose(world, 1, "SET k w"); /* the id was of the command before */
    world_settle(world);
    world_propose(world, 1, "SET k x");
    world_run(world, 200);
    unsigned lines = 0;
    struct bytes logged = buffer_bytes(&world->replicas[2].lines);
    for (size_t i = 0; i + 6 < logged.length; i++) {
        lines += memcmp(logged.data + i, "trace=", 6) == 0;
    }
    assert_int_equal(lines, 4);
    end(world);
}

/* More than an entry has room for become several entries; all are traced. */
static void test_many_in_a_turn(void **state) {
    (void)state;
    struct world *world = started(3);
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
    memset(id, 'i', sizeof(id));
    id[PAYLOAD_TRACE_ID_MAXIMUM] = '\0';
    for (unsigned i = 0; i < 2 * PAYLOAD_TRACE_MAXIMUM + 1; i++) {
        id[0] = (char)('A' + i % 26);
        id[1] = (char)('a' + i / 26);
        assert_int_not_equal(propose_traced(world, id, "INCR n"), 0);
    }
    world_settle(world);
    world_run(world, 200);
    assert_string_equal(stages(world, 3, id), "appended durable committed applied ");
    id[0] = 'A', id[1] = 'a';
    assert_string_equal(stages(world, 2, id), "appended durable committed applied ");
    assert_true(world_is_equal(world));
    end(world);
}

/* A leader that is cut off appends, another leads, and the entry gives way. */
static void test_what_is_truncated_says_so(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 1, true);
    propose_traced(world, "lost", "SET k v");
    world_settle(world);
    assert_string_equal(stages(world, 1, "lost"), "proposed appended durable ");
    world_elect(world, 2);
    world_propose(world, 2, "SET k w");
    world_settle(world);
    world_cut_off(world, 1, false);
    world_run(world, 2000);
    assert_string_equal(stages(world, 1, "lost"), "proposed appended durable truncated ");
    assert_true(world_is_equal(world));
    end(world);
}

/* A refused command's id is not for the next one. */
static void test_refused_is_forgotten(void **state) {
    (void)state;
    struct world *world = started(3);
    shard_trace_next(world->replicas[2].shard, BYTES_LITERAL("nobody"));
    assert_int_equal(world_try(world, 2, "SET k v"), ERR_NOT_LEADER);
    world_elect(world, 2);
    world_propose(world, 2, "SET k v");
    world_run(world, 200);
    assert_string_equal(stages(world, 2, "nobody"), "");
    end(world);
}

RUN_TESTS(cmocka_unit_test(test_every_replica_logs_every_stage),
          cmocka_unit_test(test_no_id_no_line), cmocka_unit_test(test_many_in_a_turn),
          cmocka_unit_test(test_what_is_truncated_says_so),
          cmocka_unit_test(test_refused_is_forgotten))
