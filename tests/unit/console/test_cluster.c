/* What the workers of a node say of its cluster: each of its own replicas, one behind the other. */
#include "../node/world.h"
#include "config/config.h"
#include "text.h"

static const char *text_of(struct world *world) {
    static char text[1 << 20];
    struct bytes status = world_status(world);
    assert_true(status.length < sizeof text);
    memcpy(text, status.data, status.length);
    text[status.length] = '\0';
    return text;
}

/* Brackets outside of strings close in the order in which they were opened. */
static void assert_is_closed(const char *text) {
    char open[64];
    size_t depth = 0;
    bool is_string = false;
    for (; *text != '\0'; text++) {
        is_string ^= *text == '"';
        if (is_string)
            continue;
        if (*text == '{' || *text == '[') {
            assert_true(depth < sizeof open);
            open[depth++] = *text == '{' ? '}' : ']';
        } else if (*text == '}' || *text == ']') {
            assert_true(depth > 0 && open[--depth] == *text);
        }
    }
    assert_int_equal(depth, 0);
}

/* One worker, two, and four of which one has no shard: each of the three shards is told once, and
 * what the workers say fits together. */
static void test_each_worker_tells_its_replicas(void **state) {
    (void)state;
    static const unsigned worker_counts[] = {1, 2, 4};
    static const char *const never[] = {"}{", "[,", "{,", ",]", ",}", ",,"};
    for (size_t i = 0; i < sizeof worker_counts / sizeof worker_counts[0]; i++) {
        static const char *const settings[] = {"shards", "2", NULL};
        struct world *world = world_new(worker_counts[i], settings);
        const char *text = text_of(world);
        assert_is_closed(text);
        for (size_t at = 0; at < sizeof never / sizeof never[0]; at++)
            assert_int_equal(count_of(text, never[at]), 0);
        expect(text, "\"durability\":{\"mode\":\"sync\",\"async_ms\":10,\"risk\":\"none, but ");
        expect(text,
               ",\"node\":1,\"nodes\":[{\"number\":1,\"id\":\"1032547698ba4cfe8001020304050607");
        expect(text, "{\"number\":0,\"slots\":\"\",\"leader\":1,");
        expect(text, "{\"number\":1,\"slots\":\"0-8191\",\"leader\":1,");
        expect(text, "{\"number\":2,\"slots\":\"8192-16383\",\"leader\":1,");
        assert_int_equal(count_of(text, "\"role\":\"leader\""), 3);
        for (unsigned shard = 0; shard <= 2; shard++) {
            char part[32];
            snprintf(part, sizeof part, "{\"shard\":%u,", shard);
            assert_int_equal(count_of(text, part), 1);
        }
        assert_int_equal(count_of(text, "\"voters\":[1],\"old_voters\":[],\"followers\":[]}"), 3);
        world_free(world);
    }
}

/* The risk is told in the words of the help and of INFO. */
static void test_the_risk_of_async_is_told(void **state) {
    (void)state;
    struct world *world = world_new(2, NULL);
    struct client *client = world_connect(world, 1);
    CLIENT_EXPECT(client, "CONFIG SET durability async durability-async-ms 25", "+OK\r\n");
    client_ask(client, "INFO persistence");
    expect(client_take(client), "durability_risk:" DURABILITY_ASYNC_RISK "\r\n");
    expect(text_of(world), "\"durability\":{\"mode\":\"async\",\"async_ms\":25,\"risk\":"
                           "\"" DURABILITY_ASYNC_RISK "\"}");
    world_free(world);
}

/* A spare has no cluster, and no replicas. */
static void test_a_spare_says_so(void **state) {
    (void)state;
    static const char *const settings[] = {"join", "127.0.0.1:17002", NULL};
    struct world *world = world_new(2, settings);
    expect(text_of(world), "\"cluster\":null,\"replicas\":[]");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_each_worker_tells_its_replicas),
          cmocka_unit_test(test_the_risk_of_async_is_told), cmocka_unit_test(test_a_spare_says_so))
