/* Settings, one by one and from a file: every kind is read, what is wrong is refused in words, and
 * what is refused changes nothing. */
#include "texts.h"

/* What config_get or config_difference emitted, as "name=value;" in a row. */
static void collect(void *context, const char *name, const char *value) {
    buffer_append_format(context, "%s=%s;", name, value);
}

static void collect_difference(void *context, const char *name, const char *before,
                               const char *after) {
    buffer_append_format(context, "%s:%s->%s;", name, before, after);
}

static void assert_get(const struct config *config, const char *pattern, const char *expected) {
    struct buffer out;
    buffer_init(&out, TEXT_MAXIMUM);
    config_get(config, bytes_of_text(pattern), collect, &out);
    assert_text(&out, expected);
    buffer_release(&out);
}

/* Sets, and expects the code and, where it is refused, the sentence. */
static void assert_set(struct config *config, const char *name, const char *value,
                       enum config_source source, int expected_code, const char *expected_problem) {
    struct buffer problem;
    buffer_init(&problem, TEXT_MAXIMUM);
    int code = config_set(config, bytes_of_text(name), bytes_of_text(value), source, &problem);
    assert_int_equal(code, expected_code);
    assert_text(&problem, expected_problem);
    buffer_release(&problem);
}

static void test_defaults_stand(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_int_equal(config.port, 7001);
    assert_int_equal(config.append_window_bytes, 8 << 20);
    assert_string_equal(config.bind, "127.0.0.1");
    assert_int_equal(config.read_mode, READ_MODE_LEASE);
    assert_int_equal(config.log_format, LOG_FORMAT_LOGFMT);
    assert_get(&config, "save", "save=;");                /* redis-benchmark reads these two */
    assert_get(&config, "appendonly", "appendonly=yes;"); /* as INFO says: aof_enabled:1 */
    assert_get(&config, "appendfsync", "appendfsync=always;");
    struct buffer problem;
    buffer_init(&problem, TEXT_MAXIMUM);
    assert_int_equal(config_check(&config, &problem), 0);
    buffer_release(&problem);
    config_release(&config);
}

static void test_set_reads_every_kind(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_set(&config, "PORT", "7100", CONFIG_SOURCE_FLAG, 0, "");
    assert_int_equal(config.port, 7100);
    assert_set(&config, "batch-bytes", "2MB", CONFIG_SOURCE_LIVE, 0, "");
    assert_int_equal(config.batch_bytes, 2 << 20);
    assert_set(&config, "batch-bytes", "64k", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "Batch-*", "batch-bytes=64000;");
    assert_set(&config, "read-mode", "QUORUM", CONFIG_SOURCE_LIVE, 0, "");
    assert_int_equal(config.read_mode, READ_MODE_QUORUM);
    assert_get(&config, "read-mode", "read-mode=quorum;");
    assert_set(&config, "requirepass", "s p", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "requirepass", "requirepass=s p;");
    config_release(&config);
}

static void test_refusals_say_what_is_allowed_and_change_nothing(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_set(&config, "port", "0", CONFIG_SOURCE_FLAG, ERR_INVALID,
               "port: '0' is not allowed; it must be a whole number from 1 to 65535");
    assert_set(&config, "port", "7e3", CONFIG_SOURCE_FLAG, ERR_INVALID,
               "port: '7e3' is not allowed; it must be a whole number from 1 to 65535");
    assert_set(
        &config, "batch-bytes", "1kb", CONFIG_SOURCE_LIVE, ERR_INVALID,
        "batch-bytes: '1kb' is not allowed; it must be a size such as 64mb, from 4kb to 64mb");
    assert_set(
        &config, "batch-bytes", "9223372036854775807gb", CONFIG_SOURCE_LIVE, ERR_INVALID,
        "batch-bytes: '9223372036854775807gb' is not allowed; it must be a size such as 64mb, "
        "from 4kb to 64mb");
    assert_set(&config, "read-mode", "lea", CONFIG_SOURCE_LIVE, ERR_INVALID,
               "read-mode: 'lea' is not allowed; it must be lease or quorum");
    assert_set(
        &config, "port", "7100", CONFIG_SOURCE_LIVE, ERR_REFUSED,
        "port: can only be set at start; what the file or a flag says of it takes a restart");
    assert_set(&config, "prot", "1", CONFIG_SOURCE_FILE, ERR_NOT_FOUND,
               "no setting is called 'prot'; `trothdb server --help` lists all");
    struct config fresh;
    config_init(&fresh);
    struct buffer out;
    buffer_init(&out, TEXT_MAXIMUM);
    config_difference(&fresh, &config, collect_difference, &out);
    assert_text(&out, "");
    buffer_release(&out);
    config_release(&fresh);
    config_release(&config);
}

static void test_settings_of_redis_are_remembered(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_get(&config, "hll-sparse-max-bytes", "hll-sparse-max-bytes=3000;");
    assert_set(&config, "hll-sparse-max-bytes", "100mb", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "hll-sparse-max-bytes", "hll-sparse-max-bytes=104857600;");
    assert_set(&config, "hll-sparse-max-bytes", "lots", CONFIG_SOURCE_LIVE, ERR_INVALID,
               "hll-sparse-max-bytes: 'lots' is not allowed; it must be a size such as 64mb");
    assert_set(&config, "maxmemory-policy", "ALLKEYS-LRU", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "maxmemory-policy", "maxmemory-policy=allkeys-lru;");
    assert_set(&config, "save", "3600 1 300 100", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "save", "save=3600 1 300 100;");
    assert_set(&config, "hash-max-ziplist-entries", "64", CONFIG_SOURCE_LIVE, 0, "");
    assert_get(&config, "hash-max-*-entries",
               "hash-max-listpack-entries=64;hash-max-ziplist-entries=64;");
    config_release(&config);
}

/* Who asks for eviction here, or for a port of TLS, is told that there is none. */
static void test_settings_without_effect_are_named(void **state) {
    (void)state;
    struct config config;
    struct buffer problem, names;
    config_init(&config);
    buffer_init(&problem, 1024);
    buffer_init(&names, 1024);
    config_append_ineffective(&config, &names);
    assert_int_equal(names.length, 0);
    struct bytes text =
        BYTES_LITERAL("maxmemory-policy allkeys-lru\nsave \"\"\ntls-port 6380\ntimeout 7\n");
    assert_int_equal(config_parse(&config, "f", text, CONFIG_SOURCE_FILE, &problem), 0);
    config_append_ineffective(&config, &names);
    assert_true(bytes_equal(buffer_bytes(&names), BYTES_LITERAL("maxmemory-policy tls-port")));
    assert_false(config_has_effect("maxmemory-policy"));
    assert_true(config_has_effect("timeout"));
    buffer_release(&names);
    buffer_release(&problem);
    config_release(&config);
}

static void test_every_remembered_default_is_valid(void **state) {
    (void)state;
    struct config config, again;
    config_init(&config);
    config_init(&again);
    struct buffer all;
    buffer_init(&all, TEXT_MAXIMUM);
    config_get(&config, BYTES_LITERAL("*"), collect, &all);
    unsigned count = 0;
    while (all.length > 0) {
        const uint8_t *name = buffer_data(&all);
        const uint8_t *equals = memchr(name, '=', all.length);
        const uint8_t *end = memchr(equals, ';', all.length);
        struct buffer problem;
        buffer_init(&problem, TEXT_MAXIMUM);
        int code = config_set(&again, bytes_of(name, (size_t)(equals - name)),
                              bytes_of(equals + 1, (size_t)(end - equals - 1)), CONFIG_SOURCE_FILE,
                              &problem);
        if (code != 0)
            fail_msg("%.*s", BYTES_PRINT(buffer_bytes(&problem)));
        buffer_release(&problem);
        buffer_consume(&all, (size_t)(end + 1 - name));
        count++;
    }
    assert_in_range(count, 100, 400);
    config_difference(&config, &again, collect_difference, &all);
    assert_text(&all, "");
    buffer_release(&all);
    config_release(&config);
    config_release(&again);
}

static void test_a_file_is_read_as_redis_reads_it(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_parse(&config,
                 "# a comment\n\n  port   7200\t\r\n"
                 "requirepass \"a\\x41\\n\\\"q\\z\"\n"
                 "dir 'it\\'s here'\n"
                 "Save 3600 1  300 100\n"
                 "logfile \"\"\n"
                 "maxclients 5",
                 0, "");
    assert_int_equal(config.port, 7200);
    assert_string_equal(config.requirepass, "aA\n\"qz");
    assert_string_equal(config.dir, "it's here");
    assert_int_equal(config.maxclients, 5);
    assert_get(&config, "save", "save=3600 1 300 100;");
    config_release(&config);
}

static void test_a_bad_file_changes_nothing_and_names_the_line(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_parse(&config, "port 7200\nmaxclients many\n", ERR_INVALID,
                 "node.conf:2: maxclients: 'many' is not allowed; it must be a whole number from 1 "
                 "to 1000000");
    assert_parse(
        &config, "\nfrobnicate yes\n", ERR_NOT_FOUND,
        "node.conf:2: no setting is called 'frobnicate'; `trothdb server --help` lists all");
    assert_parse(&config, "dir \"half", ERR_MALFORMED, "node.conf:1: the quotes are not balanced");
    assert_parse(&config, "\"dir x", ERR_MALFORMED, "node.conf:1: the quotes are not balanced");
    assert_parse(&config, "dir \"a\"b", ERR_MALFORMED, "node.conf:1: the quotes are not balanced");
    assert_parse(&config, "dir", ERR_MALFORMED,
                 "node.conf:1: a value is missing; write \"\" for an empty one");
    char line[CONFIG_LINE_MAXIMUM + 10];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_parse(&config, line, ERR_LIMIT, "node.conf:1: the line is longer than 16512 bytes");
    assert_int_equal(config.port, 7001);
    config_release(&config);
}

/* heartbeat-ms alone would be too long; together with a longer election timeout, in either order,
 * it is fine. */
static void test_rules_between_settings_see_the_whole(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_parse(
        &config, "heartbeat-ms 134\n", ERR_INVALID,
        "node.conf: heartbeat-ms: 134 is too long for an election-timeout-ms of 400; it must "
        "be at most a third of it, so that a lost heartbeat or two calls no election");
    assert_int_equal(config.heartbeat_ms, 40);
    assert_parse(&config, "heartbeat-ms 133\n", 0, "");
    assert_parse(&config, "heartbeat-ms 500\nelection-timeout-ms 1500\n", 0, "");
    assert_parse(&config, "election-timeout-ms 100\nheartbeat-ms 30\n", 0, "");
    assert_parse(&config, "gossip-probe-interval-ms 400\ngossip-probe-timeout-ms 401\n",
                 ERR_INVALID,
                 "node.conf: gossip-probe-timeout-ms: 401 is longer than a "
                 "gossip-probe-interval-ms of 400; a probe must be decided before the next one is "
                 "sent");
    assert_parse(&config, "gossip-probe-interval-ms 400\ngossip-probe-timeout-ms 400\n", 0, "");
    config_release(&config);
}

/* What makes a node worse on purpose is for who started it so. */
static void test_a_place_for_backups_is_one(void **state) {
    (void)state;
    static const char *const good[] = {"",          "/a/b",        "relative",
                                       "file:///a", "s3://bucket", "s3://b/c"};
    static const char *const bad[] = {"ftp://a/b", "s3://", "s3:///prefix", "file://a", "S3://b"};
    struct config config;
    struct buffer problem;
    config_init(&config);
    buffer_init(&problem, 4096);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(config_set(&config, BYTES_LITERAL("backup-to"), bytes_of_text(good[i]),
                                    CONFIG_SOURCE_FILE, &problem),
                         0);
        assert_int_equal(config_check(&config, &problem), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        buffer_clear(&problem);
        assert_int_equal(config_set(&config, BYTES_LITERAL("backup-to"), bytes_of_text(bad[i]),
                                    CONFIG_SOURCE_FILE, &problem),
                         0);
        assert_int_equal(config_check(&config, &problem), ERR_INVALID);
        buffer_append_u8(&problem, 0);
        assert_non_null(strstr((const char *)buffer_data(&problem), "is no place for backups"));
    }
    buffer_release(&problem);
    config_release(&config);
}

static void test_debug_settings_want_a_node_started_for_it(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    assert_parse(&config, "debug-sync-delay-us 5\n", ERR_INVALID,
                 "node.conf: debug-sync-delay-us: refused, because it makes a node worse on "
                 "purpose; start the node with --enable-debug-command yes, or local, to allow it");
    assert_int_equal(config.debug_sync_delay_us, 0);
    assert_parse(&config, "debug-sync-delay-us 0\n", 0, "");
    assert_parse(&config, "debug-sync-delay-us 5\nenable-debug-command local\n", 0, "");
    assert_int_equal(config.debug_sync_delay_us, 5);
    assert_true(config_is_debug(BYTES_LITERAL("Debug-Sync-Delay-Us")));
    assert_false(config_is_debug(BYTES_LITERAL("enable-debug-command")));
    assert_false(config_is_debug(BYTES_LITERAL("debug-nosuch")));
    assert_set(&config, "debug-sync-delay-us", "5", CONFIG_SOURCE_CLUSTER, ERR_REFUSED,
               "debug-sync-delay-us: is for one node at a time, by CONFIG SET");
    config_release(&config);
}

static void test_copies_are_deep_and_differences_are_named(void **state) {
    (void)state;
    struct config before, after;
    config_init(&before);
    assert_set(&before, "hz", "20", CONFIG_SOURCE_LIVE, 0, "");
    config_copy(&after, &before);
    assert_get(&after, "hz", "hz=20;");
    assert_set(&after, "requirepass", "x", CONFIG_SOURCE_LIVE, 0, "");
    assert_set(&after, "hz", "30", CONFIG_SOURCE_LIVE, 0, "");
    assert_set(&after, "timeout", "9", CONFIG_SOURCE_LIVE, 0, "");
    struct buffer out;
    buffer_init(&out, TEXT_MAXIMUM);
    config_difference(&before, &after, collect_difference, &out);
    assert_text(&out, "requirepass:->x;timeout:0->9;hz:20->30;");
    buffer_release(&out);
    config_release(&before);
    assert_string_equal(after.requirepass, "x");
    config_release(&after);
}

static void test_every_setting_is_described(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, TEXT_MAXIMUM);
    config_describe(&out);
    buffer_append_u8(&out, '\0');
    const char *text = (const char *)buffer_data(&out);
    assert_non_null(strstr(text,
                           "port 7001\n    client port\n    a whole number from 1 to 65535; set at "
                           "start\n"));
    assert_non_null(strstr(text, "read-mode lease\n"));
    assert_non_null(strstr(text, "maxmemory-clients "));
    assert_null(strstr(text, "maxmemory-policy")); /* it is remembered, and has no effect */
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 1, 80); /* of a usual terminal */
    assert_non_null(strstr(text, "append-lazy-ms 3\n    0: all followers are sent entries at once; "
                                 "else a majority only, those that\n    answer fastest, and the"));
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(test_defaults_stand), cmocka_unit_test(test_set_reads_every_kind),
          cmocka_unit_test(test_refusals_say_what_is_allowed_and_change_nothing),
          cmocka_unit_test(test_settings_of_redis_are_remembered),
          cmocka_unit_test(test_settings_without_effect_are_named),
          cmocka_unit_test(test_every_remembered_default_is_valid),
          cmocka_unit_test(test_a_file_is_read_as_redis_reads_it),
          cmocka_unit_test(test_a_bad_file_changes_nothing_and_names_the_line),
          cmocka_unit_test(test_rules_between_settings_see_the_whole),
          cmocka_unit_test(test_a_place_for_backups_is_one),
          cmocka_unit_test(test_debug_settings_want_a_node_started_for_it),
          cmocka_unit_test(test_copies_are_deep_and_differences_are_named),
          cmocka_unit_test(test_every_setting_is_described))
