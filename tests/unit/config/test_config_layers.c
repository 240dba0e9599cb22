/* Where a setting comes from: the highest layer that has it, and what CONFIG REWRITE leaves in the
 * file for the next start. */
#include "base/memory.h"
#include "config/config_layers.h"
#include "texts.h"

struct wanted_row {
    const char *value, *source;
    unsigned seen;
};

static void compare_row(void *context, const char *name, const char *value, enum config_layer layer,
                        enum config_when when) {
    (void)name, (void)when;
    struct wanted_row *wanted = context;
    assert_string_equal(value, wanted->value);
    assert_string_equal(config_layer_text(layer), wanted->source);
    wanted->seen++;
}

static void assert_from(const struct config_layers *layers, const char *name, const char *value,
                        const char *source) {
    struct wanted_row wanted = {.value = value, .source = source};
    config_layers_tell(layers, bytes_of_text(name), compare_row, &wanted);
    assert_int_equal(wanted.seen, 1);
}

static int layer_set(struct config_layers *layers, enum config_layer layer, const char *name,
                     const char *value) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    int code =
        config_layers_set(layers, layer, bytes_of_text(name), bytes_of_text(value), &problem);
    assert_true((code == 0) == (problem.length == 0));
    buffer_release(&problem);
    return code;
}

static int settle(struct config_layers *layers) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    int code = config_layers_settle(layers, &problem);
    buffer_release(&problem);
    return code;
}

/* The node comes before the cluster, the cluster before the file, the file before what is built
 * in. */
static void test_the_highest_layer_decides(void **state) {
    (void)state;
    struct config base;
    struct config_layers layers;
    config_init(&base);
    assert_parse(&base, "batch-bytes 2mb\ntimeout 5\n", 0, "");
    config_layers_init(&layers, &base);
    assert_from(&layers, "maxclients", "10000", "built-in");
    assert_from(&layers, "append-window-bytes", "8388608", "built-in");
    assert_from(&layers, "batch-bytes", "2097152", "file");
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_CLUSTER, "TIMEOUT", "6"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_CLUSTER, "batch-bytes", "3mb"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_NODE, "timeout", "7"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_NODE, "requirepass", "x"), 0);
    assert_int_equal(settle(&layers), 0);
    assert_from(&layers, "timeout", "7", "node");
    assert_from(&layers, "batch-bytes", "3145728", "cluster");
    assert_from(&layers, "requirepass", "(hidden)", "node");
    assert_true(config_layers_unset(&layers, BYTES_LITERAL("Timeout")));
    assert_false(config_layers_unset(&layers, BYTES_LITERAL("timeout")));
    assert_int_equal(settle(&layers), 0);
    assert_from(&layers, "timeout", "6", "cluster");
    config_layers_clear_cluster(&layers);
    assert_int_equal(settle(&layers), 0);
    assert_from(&layers, "timeout", "5", "file");
    assert_int_equal(layers.effective.timeout, 5);
    config_layers_release(&layers);
    config_release(&base);
}

static void test_layers_that_do_not_go_together(void **state) {
    (void)state;
    struct config base;
    struct config_layers layers, changed;
    config_init(&base);
    config_layers_init(&layers, &base);
    config_layers_copy(&changed, &layers);
    assert_int_equal(layer_set(&changed, CONFIG_LAYER_CLUSTER, "election-timeout-ms", "90"), 0);
    assert_int_equal(settle(&changed), ERR_INVALID); /* the heartbeat of 40 is too long for it */
    assert_int_equal(layer_set(&changed, CONFIG_LAYER_NODE, "heartbeat-ms", "30"), 0);
    assert_int_equal(settle(&changed), 0);
    assert_int_equal(layers.effective.election_timeout_ms, 400);
    static const char *const refused[] = {"port", "requirepass", "maxmemory-samples"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(layer_set(&changed, CONFIG_LAYER_CLUSTER, refused[i], "9"), ERR_REFUSED);
    assert_int_equal(layer_set(&changed, CONFIG_LAYER_CLUSTER, "nosuch", "9"), ERR_NOT_FOUND);
    config_layers_release(&changed);
    config_layers_release(&layers);
    config_release(&base);
}

static void test_a_file_read_again_is_taken_whole(void **state) {
    (void)state;
    struct config base, again;
    struct config_layers layers;
    struct buffer problem;
    buffer_init(&problem, 4096);
    config_init(&base);
    config_layers_init(&layers, &base);
    config_copy(&again, &base);
    assert_parse(&again, "timeout 5\nport 7009\n", 0, "");
    assert_int_equal(config_layers_set_base(&layers, &again, &problem), ERR_REFUSED);
    assert_int_equal(layers.base.timeout, 0);
    config_release(&again);
    config_copy(&again, &base);
    assert_parse(&again, "timeout 5\n", 0, "");
    assert_int_equal(config_layers_set_base(&layers, &again, &problem), 0);
    assert_int_equal(settle(&layers), 0);
    assert_int_equal(layers.effective.timeout, 5);
    config_layers_release(&layers);
    config_release(&again);
    config_release(&base);
    buffer_release(&problem);
}

static void note_overruled(void *context, const char *name, const char *value,
                           enum config_layer layer) {
    buffer_append_format(context, "%s=%s:%s;", name, value, config_layer_text(layer));
}

static void test_what_the_file_says_in_vain_is_told(void **state) {
    (void)state;
    struct config base, again;
    struct config_layers layers;
    struct buffer problem, told;
    buffer_init(&problem, 4096);
    buffer_init(&told, 4096);
    config_init(&base);
    config_layers_init(&layers, &base);
    config_copy(&again, &base);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_NODE, "timeout", "7"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_NODE, "requirepass", "of the node"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_NODE, "maxclients", "50"), 0);
    assert_int_equal(layer_set(&layers, CONFIG_LAYER_CLUSTER, "slowlog-max-len", "12"), 0);
    /* maxclients is what it is already, loglevel is decided by the file. */
    assert_parse(&again,
                 "timeout 5\nrequirepass secret\nmaxclients 50\nslowlog-max-len 10\n"
                 "loglevel warn\n",
                 0, "");
    assert_int_equal(config_layers_set_base(&layers, &again, &problem), 0);
    assert_int_equal(settle(&layers), 0);
    config_layers_tell_overruled(&layers, &base, note_overruled, &told);
    assert_text(&told, "requirepass=(hidden):node;timeout=5:node;slowlog-max-len=10:cluster;");
    buffer_clear(&told);
    config_layers_tell_overruled(&layers, &again, note_overruled, &told);
    assert_text(&told, ""); /* it says what it said before */
    config_layers_release(&layers);
    config_release(&again);
    config_release(&base);
    buffer_release(&told);
    buffer_release(&problem);
}

/* ---- CONFIG REWRITE ---- */

static void test_rewriting_keeps_the_rest(void **state) {
    (void)state;
    struct buffer out;
    struct config config;
    struct table *values = table_new();
    buffer_init(&out, 4096);
    table_put(values, BYTES_LITERAL("timeout"), (void *)(uintptr_t) "15");
    table_put(values, BYTES_LITERAL("requirepass"), (void *)(uintptr_t) "a \"b\"\n#\\");
    table_put(values, BYTES_LITERAL("hash-max-listpack-entries"), (void *)(uintptr_t) "64");
    config_rewrite(BYTES_LITERAL("# why\n\n  TIMEOUT 3\nport 7009\nhash-max-ziplist-entries 9\n"
                                 "timeout 4"),
                   values, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out),
                        "# why\n\ntimeout 15\nport 7009\nhash-max-listpack-entries 64\n\n"
                        "# Written by CONFIG REWRITE\n"
                        "requirepass \"a \\\"b\\\"\\x0a#\\\\\"\n");
    config_init(&config);
    assert_parse(&config, (const char *)buffer_data(&out), 0, "");
    assert_string_equal(config.requirepass, "a \"b\"\n#\\");
    assert_int_equal(config.timeout, 15);
    config_release(&config);
    table_free(values);
    buffer_release(&out);
}

/* Whatever a value holds, it is read back as it was; several go below one heading. */
static void test_what_is_rewritten_is_read_back(void **state) {
    (void)state;
    static const char *const values[] = {"plain",    "",    "two words",    "a\"b",     "a'b",
                                         "a\\b",     "#no", "a#b",          "\x01\x1f", "a\x7f",
                                         "\xc3\xa4", "\t",  "it's \"\\\" #"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct table *table = table_new();
        struct buffer out;
        struct config config;
        buffer_init(&out, 4096);
        table_put(table, BYTES_LITERAL("requirepass"), (void *)(uintptr_t)values[i]);
        table_put(table, BYTES_LITERAL("timeout"), (void *)(uintptr_t) "15");
        config_rewrite(BYTES_LITERAL("port 7009"), table, &out);
        buffer_append_u8(&out, 0);
        const char *text = (const char *)buffer_data(&out), *heading = "# Written by";
        assert_non_null(strstr(text, heading));
        assert_null(strstr(strstr(text, heading) + 1, heading));
        config_init(&config);
        assert_parse(&config, text, 0, "");
        assert_string_equal(config.requirepass, values[i]);
        assert_int_equal(config.timeout, 15);
        config_release(&config);
        table_free(table);
        buffer_release(&out);
    }
}

/* The longest value of bytes that take four each to write is a line that is read; one that is
 * longer is none, however it is written. */
static void test_the_longest_value_is_read_back(void **state) {
    (void)state;
    char *value = memory_allocate(CONFIG_VALUE_MAXIMUM + 1);
    struct buffer out;
    struct config config;
    struct table *table = table_new();
    memset(value, '\x01', CONFIG_VALUE_MAXIMUM);
    value[CONFIG_VALUE_MAXIMUM] = '\0';
    buffer_init(&out, 16 * CONFIG_VALUE_MAXIMUM);
    table_put(table, BYTES_LITERAL("requirepass"), value);
    config_rewrite(BYTES_LITERAL("port 7009"), table, &out);
    buffer_append_u8(&out, 0);
    config_init(&config);
    assert_parse(&config, (const char *)buffer_data(&out), 0, "");
    assert_string_equal(config.requirepass, value);
    buffer_clear(&out);
    buffer_append_text(&out, "requirepass '");
    for (unsigned i = 0; i <= CONFIG_VALUE_MAXIMUM; i++)
        buffer_append_text(&out, "x");
    buffer_append(&out, "'", 2);
    assert_parse(&config, (const char *)buffer_data(&out), ERR_LIMIT,
                 "node.conf:1: a value is longer than 4096 bytes");
    assert_string_equal(config.requirepass, value);
    config_release(&config);
    table_free(table);
    buffer_release(&out);
    memory_free(value);
}

RUN_TESTS(cmocka_unit_test(test_the_highest_layer_decides),
          cmocka_unit_test(test_layers_that_do_not_go_together),
          cmocka_unit_test(test_a_file_read_again_is_taken_whole),
          cmocka_unit_test(test_what_the_file_says_in_vain_is_told),
          cmocka_unit_test(test_rewriting_keeps_the_rest),
          cmocka_unit_test(test_what_is_rewritten_is_read_back),
          cmocka_unit_test(test_the_longest_value_is_read_back))
