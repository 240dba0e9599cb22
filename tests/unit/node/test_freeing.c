/* No turn of a node frees much, whatever goes: counted at the door that all memory goes through
 * (base/memory.h; the linker puts this test in between), in blocks and not in time. */
#include "world.h"

#include <stdlib.h>

#include "replica/shards/freeing.h"
#include "worker/worker.h"

enum { FIELDS = 100000, KEYS = 20000, FIELDS_A_COMMAND = 100 };
/* Beside what is freed bit by bit, what a turn of this world takes and gives back. */
enum { TURN_FREES_MAXIMUM = FREEING_TURN_ELEMENTS + 500 };

static unsigned long free_count;

void __real_memory_free(void *block);
void __wrap_memory_free(void *block);
void __wrap_memory_free(void *block) {
    free_count += block != NULL;
    __real_memory_free(block);
}

static void append_number(struct buffer *out, const char *name, unsigned number) {
    char text[32];
    int length = snprintf(text, sizeof text, "%s%u", name, number);
    buffer_append_format(out, "$%d\r\n%s\r\n", length, text);
}

static void send_all(struct world *world, struct client *client, struct buffer *commands) {
    client_send(client, buffer_bytes(commands));
    world_settle(world);
    (void)client_take(client);
    buffer_release(commands);
}

static void write_large_hash(struct world *world, struct client *client) {
    for (unsigned field = 0; field < FIELDS;) {
        struct buffer command;
        buffer_init(&command, 1 << 20);
        buffer_append_format(&command, "*%u\r\n$4\r\nHSET\r\n$5\r\nlarge\r\n",
                             2 + 2 * FIELDS_A_COMMAND);
        for (unsigned i = 0; i < FIELDS_A_COMMAND; i++, field++) {
            append_number(&command, "field", field);
            append_number(&command, "v", field);
        }
        send_all(world, client, &command);
    }
    CLIENT_EXPECT(client, "HLEN large", ":100000\r\n");
}

static void write_many_keys(struct world *world, struct client *client) {
    for (unsigned key = 0; key < KEYS;) {
        struct buffer commands;
        buffer_init(&commands, 1 << 20);
        for (unsigned i = 0; i < FIELDS_A_COMMAND; i++, key++) {
            buffer_append_format(&commands, "*3\r\n$3\r\nSET\r\n");
            append_number(&commands, "key", key);
            append_number(&commands, "v", key);
        }
        send_all(world, client, &commands);
    }
}

static unsigned long info(struct client *client, const char *name) {
    client_ask(client, "INFO memory");
    const char *line = strstr(client_take(client), name);
    assert_non_null(line);
    return strtoul(strchr(line, ':') + 1, NULL, 10);
}

static unsigned long pending(struct client *client) {
    return info(client, "lazyfree_pending_objects:");
}

/* All is freed in the end, and no step of the world frees more than it may. */
static void expect_short_turns(struct world *world, struct client *client, const char *line,
                               unsigned long least_blocks) {
    unsigned long before = free_count;
    client_send(client, bytes_of_text(line));
    for (unsigned ms = 0; ms < 400; ms++) {
        unsigned long turn_before = free_count;
        world_pass_ms(world, 1);
        assert_in_range(free_count - turn_before, 0, TURN_FREES_MAXIMUM);
    }
    assert_true(free_count - before >= least_blocks);
    assert_int_equal(pending(client), 0);
    (void)client_take(client);
}

/* Deleted, overwritten, past its time, or gone with everything else: the turn in which it goes is
 * as short as any. */
static void test_a_large_hash_goes_in_short_turns(void **state) {
    (void)state;
    static const char *const ways[] = {"DEL large\r\n", "SET large x\r\n", "PEXPIRE large 1\r\n",
                                       "FLUSHALL\r\n"};
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        client_ask(client, "DEL large");
        write_large_hash(world, client);
        expect_short_turns(world, client, ways[i], FIELDS);
    }
    world_free(world);
}

static void test_all_keys_go_in_short_turns(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    write_many_keys(world, client);
    expect_short_turns(world, client, "FLUSHALL\r\n", KEYS);
    CLIENT_EXPECT(client, "DBSIZE", ":0\r\n");
    world_free(world);
}

static uint64_t pending_bytes(struct world *world) {
    struct metrics *metrics = world_worker(world, 0)->metrics;
    return metric_value(metrics_cell(metrics, METRIC_unfreed_bytes, NULL));
}

/* INFO says how many keys wait for it, as Redis does; a metric, how many bytes, and what is bounded
 * counts these as well. */
static void test_what_is_not_freed_yet_is_told(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    write_large_hash(world, client);
    client_ask(client, "DEL large");
    unsigned long most = 0;
    uint64_t most_bytes = 0, most_used = 0;
    for (unsigned i = 0; i < 10; i++) {
        unsigned long now = pending(client);
        most = now > most ? now : most;
        most_bytes = pending_bytes(world) > most_bytes ? pending_bytes(world) : most_bytes;
        uint64_t used = info(client, "used_memory:");
        most_used = used > most_used ? used : most_used;
    }
    assert_int_equal(most, 1);
    assert_true(most_bytes > FIELDS * sizeof(void *));
    assert_true(most_used >= most_bytes);
    assert_int_equal(pending(client), 0);
    assert_int_equal(pending_bytes(world), 0);
    assert_int_equal(info(client, "used_memory:"), info(client, "used_memory_dataset:"));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_large_hash_goes_in_short_turns),
          cmocka_unit_test(test_all_keys_go_in_short_turns),
          cmocka_unit_test(test_what_is_not_freed_yet_is_told))
