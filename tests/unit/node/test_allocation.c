/* The hot path's allocation budget: what a pipeline takes from the heap, counted at the door that
 * all of it goes through (base/memory.h; the linker puts this test in between). A command allocates
 * at most the value that is kept (here each is overwritten in its place), a turn an entry and a few
 * pieces of buffers that grow, and those of the fake disk, whatever the number of commands. */
#include "world.h"

#include <stdlib.h>

enum { PIPELINE = 64, WARM_ROUNDS = 50, ROUNDS = 200, LARGE_BYTES = 64 << 10 };

static bool is_counting;
static unsigned long allocation_count;
static size_t large_bytes; /* of all that took LARGE_BYTES or more */

/* Where allocations come from, for whoever looks for them: TROTHDB_ALLOCATIONS=1 prints the
 * addresses of the callers, for addr2line. */
enum { CALLER_MAXIMUM = 256 };
static struct {
    void *address;
    unsigned long count;
} callers[CALLER_MAXIMUM];

static void count_one(void *caller, size_t bytes) {
    if (!is_counting)
        return;
    allocation_count++;
    large_bytes += bytes >= LARGE_BYTES ? bytes : 0;
    for (unsigned i = 0; i < CALLER_MAXIMUM; i++) {
        if (callers[i].address == caller || !callers[i].address) {
            callers[i].address = caller;
            callers[i].count++;
            return;
        }
    }
}

void *__real_memory_allocate(size_t bytes);
void *__wrap_memory_allocate(size_t bytes);
void *__wrap_memory_allocate(size_t bytes) {
    count_one(__builtin_return_address(0), bytes);
    return __real_memory_allocate(bytes);
}

void *__real_memory_allocate_zeroed(size_t count, size_t bytes);
void *__wrap_memory_allocate_zeroed(size_t count, size_t bytes);
void *__wrap_memory_allocate_zeroed(size_t count, size_t bytes) {
    count_one(__builtin_return_address(0), count * bytes);
    return __real_memory_allocate_zeroed(count, bytes);
}

void *__real_memory_resize(void *block, size_t bytes);
void *__wrap_memory_resize(void *block, size_t bytes);
void *__wrap_memory_resize(void *block, size_t bytes) {
    count_one(__builtin_return_address(0), bytes);
    return __real_memory_resize(block, bytes);
}

void *__real_memory_copy(const void *source, size_t bytes);
void *__wrap_memory_copy(const void *source, size_t bytes);
void *__wrap_memory_copy(const void *source, size_t bytes) {
    count_one(__builtin_return_address(0), bytes);
    return __real_memory_copy(source, bytes);
}

static void print_callers(void) {
    for (unsigned i = 0; getenv("TROTHDB_ALLOCATIONS") && callers[i].address; i++) {
        print_message("%8.2f a round, called near %p\n", (double)callers[i].count / ROUNDS,
                      callers[i].address);
    }
}

static void make_pipeline(struct buffer *pipeline, const char *command, unsigned value_bytes) {
    for (unsigned i = 0; i < PIPELINE; i++) {
        char key[16];
        snprintf(key, sizeof key, "key:%03u", i);
        buffer_append_format(pipeline, "*%u\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", value_bytes ? 3 : 2,
                             strlen(command), command, strlen(key), key);
        if (value_bytes)
            buffer_append_format(pipeline, "$%u\r\n%0*u\r\n", value_bytes, (int)value_bytes, i);
    }
}

/* Allocations a command, all of the turn's shared ones included. */
static double allocations_of(const char *command, unsigned value_bytes) {
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    struct buffer sets, pipeline;
    buffer_init(&sets, SIZE_MAX);
    buffer_init(&pipeline, SIZE_MAX);
    make_pipeline(&sets, "SET", value_bytes ? value_bytes : 3);
    make_pipeline(&pipeline, command, value_bytes);
    client_send(client, buffer_bytes(&sets));
    world_settle(world);
    allocation_count = 0;
    memset(callers, 0, sizeof callers);
    for (unsigned round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
        is_counting = round >= WARM_ROUNDS;
        client_send(client, buffer_bytes(&pipeline));
        world_settle(world);
        is_counting = false;
        client_take(client);
    }
    print_callers();
    buffer_release(&sets);
    buffer_release(&pipeline);
    world_free(world);
    return (double)allocation_count / ROUNDS / PIPELINE;
}

static void test_set(void **state) {
    (void)state;
    double allocations = allocations_of("SET", 3);
    print_message("SET of 3 bytes: %.3f allocations a command\n", allocations);
    assert_true(allocations < 0.15);
    allocations = allocations_of("SET", 512);
    print_message("SET of 512 bytes: %.3f allocations a command\n", allocations);
    assert_true(allocations < 0.4);
}

static void test_get(void **state) {
    (void)state;
    double allocations = allocations_of("GET", 0);
    print_message("GET: %.3f allocations a command\n", allocations);
    assert_true(allocations < 0.01);
}

/* A long reply is written once, and goes from the shard to the client's output, and from worker to
 * worker, as it is. */
static void test_a_long_reply_is_written_once(void **state) {
    (void)state;
    enum { VALUE_BYTES = 3 << 20, KEYS = 4 };
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct world *world = world_new(workers, NULL);
        struct client *client = world_connect(world, 0);
        struct buffer set;
        buffer_init(&set, SIZE_MAX);
        for (unsigned key = 0; key < KEYS; key++)
            buffer_append_format(&set, "*3\r\n$3\r\nSET\r\n$1\r\n%u\r\n$%u\r\n%0*u\r\n", key,
                                 VALUE_BYTES, VALUE_BYTES, key);
        client_send(client, buffer_bytes(&set));
        world_settle(world);
        client_take(client);
        for (unsigned key = 0; key < KEYS; key++) {
            char get[16];
            snprintf(get, sizeof get, "GET %u\r\n", key);
            large_bytes = 0;
            is_counting = true;
            client_send(client, bytes_of_text(get));
            world_settle(world);
            is_counting = false;
            assert_in_range(large_bytes / VALUE_BYTES, 1, 2); /* the client here takes it, too */
            assert_int_equal(client->received.length, VALUE_BYTES + strlen("$3145728\r\n\r\n"));
            assert_int_equal(buffer_data(&client->received)[client->received.length - 3],
                             '0' + (int)key);
            buffer_clear(&client->received);
        }
        buffer_release(&set);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_set), cmocka_unit_test(test_get),
          cmocka_unit_test(test_a_long_reply_is_written_once))
