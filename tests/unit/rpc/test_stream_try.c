/* Who does not answer datagrams is tried by a stream, and believed only with the cluster's key. */
#include "../unit.h"
#include "base/memory.h"
#include "loopback.h"
#include "rpc/grpc_server.h"
#include "rpc/http2.h"
#include "rpc/stream_try.h"

/* Somebody who does not answer datagrams, and a server of the peer plane at its address. */
struct world {
    uv_loop_t loop;
    uint8_t *input;
    struct net_address address;
    struct identity identity;
    struct grpc_server *server;
    struct grpc_asks asks;
    struct stream_tries tries;
    unsigned answers;
};

static int on_exchange(void *context, struct bytes message) {
    (void)context, (void)message;
    return ERR_REFUSED;
}

static bool on_is_serving(void *context) {
    (void)context;
    return true;
}

static void on_answer(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                      const struct net_address *address) {
    struct world *world = context;
    assert_memory_equal(uuid, world->identity.uuid, NODE_UUID_BYTES);
    assert_true(net_address_equal(address, &world->address));
    world->answers++;
}

static void world_init(struct world *world, struct seal *served, struct seal *asked) {
    *world = (struct world){.address = loopback_address(),
                            .identity = {.uuid = "who is there now", .generation = 3}};
    world->input = memory_allocate(HTTP2_INPUT_BYTES);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    grpc_asks_init(&world->asks, &world->loop);
    stream_tries_init(&world->tries, &world->asks, asked, on_answer, world);
    world->server = grpc_server_new(&(struct grpc_server_options){.loop = &world->loop,
                                                                  .input = world->input,
                                                                  .seal = served,
                                                                  .identity = &world->identity,
                                                                  .exchange = on_exchange,
                                                                  .is_serving = on_is_serving});
    assert_int_equal(grpc_server_listen(world->server, loopback_listen(&world->address)), 0);
}

static void world_release(struct world *world) {
    stream_tries_close(&world->tries);
    if (world->server != NULL)
        grpc_server_free(world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(world->tries.count, 0);
    assert_null(world->asks.input);
    memory_free(world->input);
}

static bool all_ended(void *context) { return ((struct world *)context)->tries.count == 0; }

/* Tries, and waits until the try is over; how many answered? */
static unsigned try_once(struct world *world, const uint8_t *uuid) {
    stream_tries_begin(&world->tries, uuid, &world->address);
    assert_int_equal(world->tries.count, 1);
    stream_tries_begin(&world->tries, uuid, &world->address); /* once at a time */
    assert_int_equal(world->tries.count, 1);
    run_until(&world->loop, all_ended, world);
    return world->answers;
}

/* Datagrams to a member are lost, streams are not: it answers, and so it lives. */
static void test_the_right_one_answers(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL, NULL);
    assert_int_equal(try_once(&world, world.identity.uuid), 1);
    assert_int_equal(try_once(&world, world.identity.uuid), 2);
    world_release(&world);
}

/* Somebody else has the address now: that the port answers is no sign of life of the other. */
static void test_somebody_else_is_no_contact(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL, NULL);
    assert_int_equal(try_once(&world, (const uint8_t *)"who was here old"), 0);
    world_release(&world);
}

/* With a cluster key only its members are believed, and only they are told. */
static void test_only_the_key_is_believed(void **state) {
    (void)state;
    struct seal_key key = {.bytes = "one"}, other = {.bytes = "two"};
    struct seal *ours = seal_new(&key, 1, ""), *theirs = seal_new(&other, 1, "");
    struct world world;
    world_init(&world, ours, ours);
    assert_int_equal(try_once(&world, world.identity.uuid), 1);
    world_release(&world);
    world_init(&world, theirs, ours);
    assert_int_equal(try_once(&world, world.identity.uuid), 0);
    world_release(&world);
    world_init(&world, NULL, ours);
    assert_int_equal(try_once(&world, world.identity.uuid), 0);
    world_release(&world);
    seal_free(ours);
    seal_free(theirs);
}

/* Nobody listens there; and a process that ends while it tries. */
static void test_nobody_is_there(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL, NULL);
    world.address = loopback_address();
    assert_int_equal(try_once(&world, world.identity.uuid), 0);
    stream_tries_begin(&world.tries, world.identity.uuid, &world.address);
    world_release(&world);
    assert_int_equal(world.answers, 0);
}

/* A bounded number at a time. */
static void test_tries_are_bounded(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL, NULL);
    uint8_t uuid[NODE_UUID_BYTES] = {0};
    for (unsigned i = 0; i < 2 * STREAM_TRY_MAXIMUM; i++) {
        uuid[0] = (uint8_t)i;
        stream_tries_begin(&world.tries, uuid, &world.address);
    }
    assert_int_equal(world.tries.count, STREAM_TRY_MAXIMUM);
    run_until(&world.loop, all_ended, &world);
    world_release(&world);
}

RUN_TESTS(cmocka_unit_test(test_the_right_one_answers),
          cmocka_unit_test(test_somebody_else_is_no_contact),
          cmocka_unit_test(test_only_the_key_is_believed), cmocka_unit_test(test_nobody_is_there),
          cmocka_unit_test(test_tries_are_bounded))
