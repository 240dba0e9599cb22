/* Commands of clients, run as a shard runs them: two replicas that differ in nothing but how they
 * hash hold the same after the same commands, each is answered by one well-formed reply, and what
 * is saved then loads to the same keyspace.
 *
 * The first byte: RESP2 or RESP3. Then requests, inline or multibulk; an empty line lets 100 ms
 * pass, so that keys expire. */
#include "../unit/command/runner.h"
#include "base/check.h"
#include "base/text/number.h"
#include "wire/request.h"
#include "wire/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { COMMANDS_MAXIMUM = 200, STRING_BYTES_MAXIMUM = 1 << 20, REPLY_BYTES_MAXIMUM = 64 << 20 };

/* A number that makes a string of gigabytes only costs time here. */
static bool is_costly(const struct request_parser *request) {
    for (size_t i = 1; i < request->argument_count; i++) {
        int64_t number;
        bool is_large = number_parse_i64(request->arguments[i], &number) &&
                        (number > STRING_BYTES_MAXIMUM || number < -STRING_BYTES_MAXIMUM);
        if (is_large && (bytes_equal_ignoring_case(request->arguments[0], "setrange") ||
                         bytes_equal_ignoring_case(request->arguments[0], "hrandfield")))
            return true;
    }
    return false;
}

static void expect_one_reply(struct runner *runner) {
    size_t length = 0;
    if (runner->output.is_overflowed) { /* a session ends its client then */
        buffer_clear(&runner->output);
        return;
    }
    CHECK(response_skip(buffer_bytes(&runner->output), &length) == 1);
    CHECK(length == runner->output.length);
    buffer_clear(&runner->output);
}

static void expect_loads(struct keyspace *keyspace) {
    struct keyspace *again = keyspace_new(3);
    struct buffer saved;
    uint64_t hash = 0;
    struct part_set all = {.parts = NULL};
    part_set_add_all(&all);
    buffer_init(&saved, SIZE_MAX);
    keyspace_cut(keyspace, &all);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (keyspace_slot_key_count(keyspace, (slot_number)slot) > 0)
            CHECK(keyspace_save_cut(keyspace, slot_whole((slot_number)slot), SIZE_MAX, SIZE_MAX,
                                    &saved, &hash) == CUT_SAVED_ALL);
    keyspace_end_cut(keyspace);
    CHECK(hash == keyspace_hash(keyspace));
    CHECK(keyspace_load(again, buffer_bytes(&saved)) == 0);
    CHECK(keyspace_load_is_complete(again));
    CHECK(keyspace_hash(again) == hash);
    CHECK(keyspace_memory_bytes(again) > 0 || keyspace_key_count(keyspace) == 0);
    buffer_release(&saved);
    keyspace_free(again);
}

static void run(struct runner *runner, const struct request_parser *request) {
    if (request->argument_count == 0) {
        runner->now_ms += 100;
        return;
    }
    runner_run(runner, request->arguments, request->argument_count);
    expect_one_reply(runner);
}

static void replica_init(struct runner *runner, uint64_t hash_seed, int protocol) {
    runner_init(runner);
    keyspace_free(runner->keyspace);
    runner->keyspace = keyspace_new(hash_seed);
    runner->protocol = protocol;
    runner->now_ms = UINT64_C(1790000000000);
    runner->output.maximum_bytes = REPLY_BYTES_MAXIMUM;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct request_parser parser;
    struct request_limits limits = {
        .bulk_bytes = STRING_BYTES_MAXIMUM, .argument_count = 1000, .inline_bytes = 1 << 16};
    struct runner one, other;
    struct bytes rest = bytes_of(data + 1, length - 1);
    size_t consumed;
    request_parser_init(&parser, &limits);
    replica_init(&one, 1, 2 + (data[0] & 1));
    replica_init(&other, 2, 3 - (data[0] & 1));
    for (unsigned i = 0; i < COMMANDS_MAXIMUM; i++) {
        if (request_parse(&parser, rest, &consumed) != REQUEST_READY)
            break;
        if (parser.argument_count == 0 || !is_costly(&parser)) {
            run(&one, &parser);
            run(&other, &parser);
        }
        rest = bytes_of(rest.data + consumed, rest.length - consumed);
    }
    CHECK(keyspace_hash(one.keyspace) == keyspace_hash(other.keyspace));
    expect_loads(one.keyspace);
    runner_release(&other);
    runner_release(&one);
    request_parser_release(&parser);
    return 0;
}
