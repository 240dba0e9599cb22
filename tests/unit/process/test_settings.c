/* Flags and the file become settings, addresses and seeds; what is wrong is explained. */
#include "../unit.h"
#include "base/memory.h"
#include "process/addresses.h"
#include "process/options.h"
#include "process/seeds.h"
#include <unistd.h>

static char *flags(const char *text, char *argv[], int *argc) {
    char *copy = memory_copy_text(text);
    *argc = 0;
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[(*argc)++] = word;
    return copy;
}

/* Loads flags; what went wrong is kept in `problem` as text. */
static int load(const char *text, struct config *config, char problem[512]) {
    struct buffer reason;
    struct options options;
    char *argv[32];
    int argc;
    char *words = flags(text, argv, &argc);
    buffer_init(&reason, 500);
    int code = options_read(&options, argc, argv, &reason);
    if (code == 0)
        code = options_load(&options, config, &reason);
    snprintf(problem, 512, "%.*s", BYTES_PRINT(buffer_bytes(&reason)));
    buffer_release(&reason);
    memory_free(words);
    return code;
}

static void test_flags_are_settings(void **state) {
    (void)state;
    struct config config;
    char problem[512];
    assert_int_equal(load("--port 7005 --workers=2 --dir /x/y --loglevel warn", &config, problem),
                     0);
    assert_int_equal(config.port, 7005);
    assert_int_equal(config.workers, 2);
    assert_string_equal(config.dir, "/x/y");
    config_release(&config);
}

static void test_flags_win_over_the_file(void **state) {
    (void)state;
    struct config config;
    char problem[512], name[64], text[128];
    snprintf(name, sizeof name, "/tmp/trothdb-test-settings-%d", (int)getpid());
    FILE *file = fopen(name, "w");
    fputs("port 7100\nworkers 3\n", file);
    fclose(file);
    snprintf(text, sizeof text, "--port 7200 --config %s", name);
    assert_int_equal(load(text, &config, problem), 0);
    assert_int_equal(config.port, 7200);
    assert_int_equal(config.workers, 3);
    config_release(&config);
    unlink(name);
    assert_true(load(text, &config, problem) < 0);
    assert_non_null(strstr(problem, "cannot open"));
}

static void test_wrong_flags_are_explained(void **state) {
    (void)state;
    static const struct {
        const char *flags, *word;
    } cases[] = {
        {"port 7001", "is no flag"},
        {"--port", "a value is missing"},
        {"--port 0", "port"},
        {"--port x", "port"},
        {"--prot 7001", "prot"},
        {"--workers 65", "workers"},
        {"--read-mode fast", "read-mode"},
        {"--heartbeat-ms 200 --election-timeout-ms 300", "heartbeat-ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        char problem[512];
        assert_true(load(cases[i].flags, &config, problem) < 0);
        if (strstr(problem, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].flags, problem);
    }
}

static int addresses(const char *text, struct addresses *announced, char problem[512]) {
    struct config config;
    struct addresses bound;
    struct buffer reason;
    assert_int_equal(load(text, &config, problem), 0);
    buffer_init(&reason, 500);
    int code = addresses_of(&config, &bound, announced, &reason);
    snprintf(problem, 512, "%.*s", BYTES_PRINT(buffer_bytes(&reason)));
    buffer_release(&reason);
    config_release(&config);
    return code;
}

/* Peer and admin ports follow the client port; only loopback is served without a key. */
static void test_addresses_follow_from_the_settings(void **state) {
    (void)state;
    struct addresses announced;
    char problem[512];
    assert_int_equal(addresses("--port 7003", &announced, problem), 0);
    assert_string_equal(announced.client.host, "127.0.0.1");
    assert_int_equal(announced.peer.port, 17003);
    assert_int_equal(announced.admin.port, 9003);
    assert_int_equal(addresses("--bind ::1 --peer-port 5", &announced, problem), 0);
    assert_string_equal(announced.peer.host, "::1");
    assert_int_equal(announced.peer.port, 5);
    assert_int_equal(addresses("--bind 127.3.2.1", &announced, problem), 0);
    assert_true(addresses("--bind 10.0.0.1", &announced, problem) < 0);
    assert_non_null(strstr(problem, "--cluster-key-file"));
    assert_int_equal(addresses("--bind 10.0.0.1 --cluster-key-file k", &announced, problem), 0);
    assert_true(addresses("--bind 0.0.0.0 --cluster-key-file k", &announced, problem) < 0);
    assert_non_null(strstr(problem, "announce"));
    assert_int_equal(
        addresses("--bind 0.0.0.0 --announce 10.0.0.7 --cluster-key-file k", &announced, problem),
        0);
    assert_string_equal(announced.client.host, "10.0.0.7");
    assert_int_equal(addresses("--cluster-name a --cluster-key-file k", &announced, problem), 0);
    assert_true(addresses("--cluster-name a", &announced, problem) < 0);
    assert_non_null(strstr(problem, "cluster-name"));
    assert_true(addresses("--bind localhost", &announced, problem) < 0);
    assert_true(addresses("--port 60000", &announced, problem) < 0);
    assert_non_null(strstr(problem, "peer-port"));
}

static int parse_seeds(const char *join, struct seeds *seeds) {
    struct buffer problem;
    buffer_init(&problem, 500);
    int code = seeds_parse(seeds, join, &problem);
    assert_int_equal(code != 0, problem.length != 0);
    buffer_release(&problem);
    return code;
}

/* Addresses are the gossiper's; only names are left to look up. */
static void test_names_among_the_seeds_are_found(void **state) {
    (void)state;
    struct seeds *seeds = memory_allocate_zeroed(1, sizeof *seeds);
    assert_int_equal(parse_seeds("", seeds), 0);
    assert_int_equal(seeds->count, 0);
    assert_int_equal(parse_seeds("10.0.0.1:17001,node-2.example:17002,[::1]:17003", seeds), 0);
    assert_int_equal(seeds->count, 1);
    assert_string_equal(seeds->names[0].where.host, "node-2.example");
    assert_int_equal(seeds->names[0].where.port, 17002);
    static const char *const bad[] = {"a",       "a:",       ":1",       "a:0",
                                      "a:65536", "a:1,,b:2", "a:1, b:2", "a:1x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_seeds(bad[i], seeds) == 0)
            fail_msg("accepted: %s", bad[i]);
    memory_free(seeds);
}

RUN_TESTS(cmocka_unit_test(test_flags_are_settings), cmocka_unit_test(test_flags_win_over_the_file),
          cmocka_unit_test(test_wrong_flags_are_explained),
          cmocka_unit_test(test_addresses_follow_from_the_settings),
          cmocka_unit_test(test_names_among_the_seeds_are_found))
