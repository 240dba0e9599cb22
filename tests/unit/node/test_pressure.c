/* More than there is room for: what waits, what is given up, and that no answer goes astray. */
#include "world.h"

#include <stdlib.h>

#include "base/memory.h"
#include "session/clients.h"
#include "session/sessions.h"
#include "worker/worker.h"

static void send_line_of(struct client *client, const char *head, size_t bytes) {
    char *line = memory_allocate(bytes + strlen(head) + 3);
    strcpy(line, head);
    memset(line + strlen(head), 'x', bytes);
    strcpy(line + strlen(head) + bytes, "\r\n");
    client_send(client, bytes_of_text(line));
    memory_free(line);
}

static void send_set(struct client *client, const char *key, size_t bytes) {
    char head[128];
    snprintf(head, sizeof head, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key), key,
             bytes);
    send_line_of(client, head, bytes);
}

/* A reply is too long for the connection: the one behind it is not sent in its place. */
static void test_no_answer_for_another(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"client-output-limit", "64kb", NULL});
    struct client *client = world_connect(world, 0);
    send_set(client, "k", 70000);
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n");
    client_ask(client, "GET k\nPING\nPING");
    assert_string_equal(client_take(client), "");
    assert_null(client->session);
    world_free(world);
}

/* Replies that wait behind a slower one count as well. */
static void test_waiting_replies_are_bounded(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"client-output-limit", "64kb", NULL});
    struct client *client = world_connect(world, 0), *other = world_connect(world, 0);
    client_send(client, BYTES_LITERAL("SET a 1\r\n"));
    for (unsigned i = 0; i < 5; i++)
        send_line_of(client, "ECHO ", 20000);
    client_send(client, BYTES_LITERAL("PING\r\n"));
    world_settle(world);
    assert_string_equal(client_take(client), "");
    assert_null(client->session);
    CLIENT_EXPECT(other, "GET a", "$1\r\n1\r\n"); /* it was done all the same */
    world_free(world);
}

/* A command whose reply is to be skipped waits for room: its reply is skipped then too. */
static void test_skipped_reply_of_one_that_waited(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"uncommitted-bytes", "1mb", NULL});
    struct client *other = world_connect(world, 0), *client = world_connect(world, 0);
    send_set(other, "big", 1100000);
    client_send(client, BYTES_LITERAL("CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n"));
    world_settle(world);
    assert_true(client->was_paused);
    assert_string_equal(client_take(client), "$1\r\n1\r\n");
    assert_string_equal(client_take(other), "+OK\r\n");
    world_free(world);
}

/* One shard has no room for its part of a FLUSHALL, and the others' parts are under way for too
 * long: they may be done yet, so "try again" would be the wrong answer. */
static void test_an_unknown_part_is_told(void **state) {
    (void)state;
    struct world *world =
        world_new(1, (const char *const[]){"shards", "4", "uncommitted-bytes", "1mb",
                                           "write-timeout-ms", "1000", NULL});
    struct client *other = world_connect(world, 0), *client = world_connect(world, 0);
    world_hold_disks(world, true);
    send_set(other, "big", 1100000);
    client_send(client, BYTES_LITERAL("FLUSHALL\r\n"));
    world_pass_ms(world, 8000);
    assert_int_equal(strncmp(client_take(client), "-UNKNOWN ", 9), 0);
    world_hold_disks(world, false);
    world_settle(world);
    CLIENT_EXPECT(client, "FLUSHALL\nDBSIZE", "+OK\r\n:0\r\n");
    world_free(world);
}

static const char *key_of_worker(struct world *world, unsigned worker) {
    static char key[16];
    for (unsigned i = 0;; i++) {
        snprintf(key, sizeof key, "k%u", i);
        uint32_t shard =
            world_worker(world, 0)->topology->slot_owner[slot_of_key(bytes_of_text(key))];
        if (shard % 2 == worker)
            return key;
    }
}

/* Commands for another worker's shards wait too, before they fill its memory. */
static void test_mail_is_bounded(void **state) {
    (void)state;
    struct world *world = world_new(
        2, (const char *const[]){"uncommitted-bytes", "1mb", "shards", "4", "workers", "2", NULL});
    struct client *client = world_connect(world, 0);
    const char *key = key_of_worker(world, 1);
    struct buffer expected;
    buffer_init(&expected, SIZE_MAX);
    for (unsigned i = 0; i < 50; i++) {
        send_set(client, key, 100000);
        buffer_append_text(&expected, "+OK\r\n");
    }
    buffer_append_u8(&expected, 0);
    size_t most = 0;
    for (unsigned i = 0; i < 300; i++) {
        world_pass_ms(world, 1);
        size_t mailed = world_worker(world, 0)->sessions->mailed_bytes;
        most = mailed > most ? mailed : most;
    }
    assert_in_range(most, 100000, (1 << 20) + 100100);
    assert_int_equal(world_worker(world, 0)->sessions->mailed_bytes, 0);
    assert_string_equal(client_take(client), (const char *)buffer_data(&expected));
    buffer_release(&expected);
    world_free(world);
}

/* Who waits for room gets it before whoever comes later, though that one asks at a moment when
 * there is some. */
static void test_first_come_first_served(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"uncommitted-bytes", "1mb", NULL});
    struct client *greedy = world_connect(world, 0), *first = world_connect(world, 0),
                  *second = world_connect(world, 0);
    send_set(greedy, "big", 1100000);
    client_send(first, BYTES_LITERAL("INCR n\r\n"));
    assert_true(first->was_paused);
    client_send(second, BYTES_LITERAL("INCR n\r\n"));
    world_settle(world);
    assert_string_equal(client_take(first), ":1\r\n");
    assert_string_equal(client_take(second), ":2\r\n");
    assert_false(first->is_paused || second->is_paused);
    world_free(world);
}

/* Two floods and a client that asks for little: all are read no further while there is no room,
 * what the node holds stays bounded, and in the end everything is answered. */
static void test_floods_are_bounded(void **state) {
    (void)state;
    enum { VALUES = 60, VALUE_BYTES = 100000, LIMIT = 1 << 20 };
    struct world *world = world_new(1, (const char *const[]){"uncommitted-bytes", "1mb", NULL});
    struct client *floods[2] = {world_connect(world, 0), world_connect(world, 0)};
    struct client *modest = world_connect(world, 0);
    struct shard *shard = worker_shard(world_worker(world, 0), 1);
    uint64_t most = 0;
    for (unsigned i = 0; i < VALUES; i++) {
        send_set(floods[0], "a", VALUE_BYTES);
        send_set(floods[1], "b", VALUE_BYTES);
        uint64_t bytes = raft_uncommitted_bytes(shard_raft(shard));
        most = bytes > most ? bytes : most;
    }
    assert_true(floods[0]->is_paused && floods[1]->is_paused);
    client_send(modest, BYTES_LITERAL("INCR n\r\n"));
    for (unsigned i = 0; i < 300; i++) {
        world_pass_ms(world, 1);
        uint64_t bytes = raft_uncommitted_bytes(shard_raft(shard));
        most = bytes > most ? bytes : most;
    }
    assert_true(most <= LIMIT + 2 * VALUE_BYTES);
    assert_string_equal(client_take(modest), ":1\r\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(strlen(client_take(floods[i])), VALUES * strlen("+OK\r\n"));
        assert_false(floods[i]->is_paused);
    }
    world_free(world);
}

/* Longer than an entry may be: an error, and the connection goes on. */
static void test_long_command(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    send_set(client, "k", 65 << 20);
    client_send(client, BYTES_LITERAL("PING\r\n"));
    world_settle(world);
    assert_string_equal(
        client_take(client),
        "-ERR command is longer than a log entry may be: 67042304 bytes\r\n+PONG\r\n");
    world_free(world);
}

/* A long command came; then its memory is not the connection's any more, also if more commands
 * come. */
static void test_a_long_command_leaves_no_memory_behind(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    send_set(client, "k", 8 << 20);
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n");
    for (unsigned i = 0; i < 2; i++) {
        client_send(client, BYTES_LITERAL("CLIENT LIST\r\n"));
        world_settle(world);
        const char *held = strstr(client_take(client), " tot-mem=");
        assert_non_null(held);
        assert_in_range(atoi(held + strlen(" tot-mem=")), 1, 2 << 20);
    }
    world_free(world);
}

/* Whoever has not logged in may ask for refusals and never read them: soon that ends. Who has may
 * leave far more unread, also of what was asked for before a RESET. */
static void test_a_stranger_leaves_little_unread(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"requirepass", "secret", NULL});
    struct client *stranger = world_connect(world, 0), *friend = world_connect(world, 0);
    stranger->is_stuck = true;
    for (unsigned i = 0; i < 3000 && !stranger->is_to_close; i++) {
        client_send(stranger, BYTES_LITERAL("PING\r\n"));
        world_pass_ms(world, 1);
    }
    assert_null(stranger->session);
    CLIENT_EXPECT(friend, "AUTH secret", "+OK\r\n");
    friend->is_stuck = true;
    for (unsigned i = 0; i < 10; i++)
        send_line_of(friend, "ECHO ", 20000);
    client_ask(friend, "RESET\nPING");
    assert_non_null(friend->session);
    for (unsigned i = 0; i < 3000 && !friend->is_to_close; i++) {
        client_send(friend, BYTES_LITERAL("RESET\r\nPING\r\n")); /* RESET takes nothing off */
        world_pass_ms(world, 1);
    }
    assert_null(friend->session);
    world_free(world);
}

/* A request that does not fit ends its connection, and the node tells of it. */
static void test_a_request_that_does_not_fit(void **state) {
    (void)state;
    enum { LIMIT = 1 << 20 };
    struct world *world =
        world_new(1, (const char *const[]){"client-query-buffer-limit", "1mb", NULL});
    struct client *client = world_connect(world, 0);
    struct worker *worker = world_worker(world, 0);
    client_send(client, BYTES_LITERAL("*2\r\n$4\r\nECHO\r\n$2000000\r\n"));
    size_t room, held = client->session->input.length;
    for (uint8_t *at; (at = clients_room(worker, client->session, &room)) != NULL; held += room) {
        memset(at, 'x', room);
        clients_input(worker, client->session, room);
    }
    assert_int_equal(held, LIMIT);
    assert_int_equal(metric_value(metrics_cell(worker->metrics, METRIC_clients_refused_total,
                                               "query-buffer-limit")),
                     1);
    world_free(world);
}

/* A pipeline of what takes long has its turns like everybody: others are answered in between, and
 * it is answered whole, in its order, without waiting for a tick. */
static void test_a_slow_pipeline_takes_turns(void **state) {
    (void)state;
    enum { COMMANDS = 200, REPLY_BYTES = 7 };
    struct world *world = world_new(1, NULL);
    struct client *slow = world_connect(world, 0), *quick = world_connect(world, 0);
    world_slow_down(world, 1000);
    for (unsigned i = 0; i < COMMANDS; i++)
        buffer_append_text(&slow->unsent, "CLUSTER KEYSLOT a\r\n");
    client_send(slow, BYTES_LITERAL("ECHO end\r\n"));
    client_send(quick, BYTES_LITERAL("PING\r\n"));
    world_pass_ms(world, 1);
    assert_string_equal(client_take(quick), "+PONG\r\n");
    assert_in_range(slow->received.length, REPLY_BYTES, COMMANDS * REPLY_BYTES / 4);
    assert_true(worker_deadline_us(world_worker(world, 0)) <= world_worker(world, 0)->turn_us);
    world_pass_ms(world, COMMANDS);
    const char *replies = client_take(slow);
    assert_string_equal(strchr(replies, '$'), "$3\r\nend\r\n");
    assert_int_equal(strlen(replies), COMMANDS * strlen(":15495\r\n") + strlen("$3\r\nend\r\n"));
    assert_false(slow->is_paused);
    world_free(world);
}

enum { PIECE_BYTES = 100000 };

/* A node for all of whose clients there is 1 MB, and as many bytes in "k" as one reply has here. */
static struct world *world_of_little_memory(void) {
    struct world *world = world_new(1, (const char *const[]){"maxmemory-clients", "1mb", NULL});
    struct client *client = world_connect(world, 0);
    send_set(client, "k", PIECE_BYTES);
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n");
    return world;
}

static uint64_t shown_as_held(struct world *world) {
    struct metrics *metrics = world_worker(world, 0)->metrics;
    return metric_value(metrics_cell(metrics, METRIC_clients_held_bytes, NULL));
}

static void leave_unread(struct client *client, unsigned pieces) {
    client->is_stuck = true;
    for (unsigned i = 0; i < pieces; i++)
        client_ask(client, "GET k");
}

/* What several leave unread is no more than the limit of one of them, but more than there is for
 * all: who leaves most is closed, and nobody else; who was closed hears nothing more. */
static void test_all_clients_together(void **state) {
    (void)state;
    struct world *world = world_of_little_memory();
    struct client *few = world_connect(world, 0), *most = world_connect(world, 0),
                  *more = world_connect(world, 0), *other = world_connect(world, 0);
    leave_unread(few, 2);
    leave_unread(most, 5);
    leave_unread(more, 3);
    assert_non_null(most->session);
    assert_in_range(shown_as_held(world), 10 * PIECE_BYTES, 10 * PIECE_BYTES + 200);
    leave_unread(more, 1);
    assert_null(most->session);
    assert_int_equal(most->received.length, 0);
    assert_true(few->session != NULL && more->session != NULL);
    assert_in_range(shown_as_held(world), 6 * PIECE_BYTES, 6 * PIECE_BYTES + 200);
    CLIENT_EXPECT(other, "STRLEN k", ":100000\r\n");
    few->is_stuck = more->is_stuck = false;
    client_ask(few, "PING");
    client_ask(more, "PING");
    assert_in_range(few->received.length, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 100);
    assert_in_range(more->received.length, 4 * PIECE_BYTES, 4 * PIECE_BYTES + 100);
    world_free(world);
}

/* Who asked not to be closed for this is not; another one is. */
static void test_no_evict(void **state) {
    (void)state;
    struct world *world = world_of_little_memory();
    struct client *most = world_connect(world, 0), *more = world_connect(world, 0);
    CLIENT_EXPECT(most, "CLIENT NO-EVICT ON", "+OK\r\n");
    leave_unread(most, 8);
    leave_unread(more, 4);
    assert_null(more->session);
    assert_non_null(most->session);
    leave_unread(most, 8); /* and nobody is left who could be */
    assert_non_null(most->session);
    world_free(world);
}

/* What was sent and is no whole request yet counts as well. */
static void test_input_counts(void **state) {
    (void)state;
    struct world *world = world_of_little_memory();
    struct client *reader = world_connect(world, 0), *writer = world_connect(world, 0);
    leave_unread(reader, 4);
    send_line_of(writer, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n", 6 * PIECE_BYTES);
    world_settle(world);
    assert_non_null(writer->session);
    send_line_of(writer, "", PIECE_BYTES);
    world_settle(world);
    assert_null(writer->session);
    assert_non_null(reader->session);
    world_free(world);
}

/* What has been read does not count: neither in the turn it was written in, nor where the socket
 * was full then and took it by and by. */
static void test_what_was_read_does_not_count(void **state) {
    (void)state;
    enum { LATE = 12 };
    struct world *world = world_of_little_memory();
    struct client *client = world_connect(world, 0), *late[LATE];
    for (unsigned i = 0; i < LATE; i++) {
        late[i] = world_connect(world, 0);
        client_ask(client, "GET k");
        leave_unread(late[i], 1);
        struct buffer *output = clients_output(late[i]->session);
        buffer_consume(output, output->length); /* as the socket does */
    }
    for (unsigned i = 0; i < LATE; i++)
        assert_non_null(late[i]->session);
    assert_in_range(client->received.length, LATE * PIECE_BYTES, (LATE + 1) * PIECE_BYTES);
    world_free(world);
}

/* Nor does what somebody left who is gone. */
static void test_what_the_gone_held_does_not_count(void **state) {
    (void)state;
    struct world *world = world_of_little_memory();
    struct client *other = world_connect(world, 0);
    for (unsigned i = 0; i < 8; i++) {
        struct client *client = world_connect(world, 0);
        leave_unread(client, 2);
        client_ask(client, "QUIT");
        assert_null(client->session);
    }
    leave_unread(other, 2);
    assert_non_null(other->session);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_slow_pipeline_takes_turns),
          cmocka_unit_test(test_all_clients_together), cmocka_unit_test(test_no_evict),
          cmocka_unit_test(test_input_counts), cmocka_unit_test(test_what_was_read_does_not_count),
          cmocka_unit_test(test_what_the_gone_held_does_not_count),
          cmocka_unit_test(test_a_stranger_leaves_little_unread),
          cmocka_unit_test(test_a_request_that_does_not_fit),
          cmocka_unit_test(test_no_answer_for_another),
          cmocka_unit_test(test_waiting_replies_are_bounded),
          cmocka_unit_test(test_skipped_reply_of_one_that_waited),
          cmocka_unit_test(test_an_unknown_part_is_told), cmocka_unit_test(test_mail_is_bounded),
          cmocka_unit_test(test_first_come_first_served), cmocka_unit_test(test_floods_are_bounded),
          cmocka_unit_test(test_long_command),
          cmocka_unit_test(test_a_long_command_leaves_no_memory_behind))
