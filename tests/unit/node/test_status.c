/* TROTHDB STATUS tells what the workers of a node publish, and they go on publishing meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "world.h"

#include "wire/response.h"
#include "worker/statistics.h"
#include "worker/worker.h"

/* Another worker, which publishes a replica and takes it back without an end. */
struct publisher {
    struct shard_statistics *replica;
    _Atomic bool is_ending;
};

static void *publish_and_take_back(void *context) {
    struct publisher *publisher = context;
    for (uint64_t i = 0; !publisher->is_ending; i++)
        atomic_store_explicit(&publisher->replica->is_hosted, i % 2, memory_order_relaxed);
    return NULL;
}

static void test_status_while_replicas_come_and_go(void **state) {
    (void)state;
    struct world *world = world_new(2, (const char *const[]){NULL});
    struct client *client = world_connect(world, 1);
    struct publisher publisher = {.replica = &world_worker(world, 0)->shared->shards[900]};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, publish_and_take_back, &publisher), 0);
    for (unsigned i = 0; i < 2000; i++) {
        struct response status;
        size_t consumed;
        client_ask(client, "TROTHDB STATUS");
        struct bytes text = bytes_of_text(client_take(client));
        assert_int_equal(response_parse(text, &status, &consumed), 1);
        assert_int_equal(consumed, text.length);
        assert_int_equal(status.element_count, 9);
        response_release(&status);
    }
    publisher.is_ending = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_status_while_replicas_come_and_go))
