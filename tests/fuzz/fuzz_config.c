/* Configuration files: one is refused with a sentence and changes nothing, or read; what was read
 * and is written by CONFIG REWRITE, into the file itself or into an empty one, is read back as it
 * was. The first byte says where the text comes from (enum config_source). */
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { TEXT_MAXIMUM_BYTES = 16 << 20 };

static void count_difference(void *context, const char *name, const char *before,
                             const char *after) {
    (void)name, (void)before, (void)after;
    ++*(size_t *)context;
}

static bool are_equal(const struct config *a, const struct config *b) {
    size_t count = 0;
    config_difference(a, b, count_difference, &count);
    return count == 0;
}

static void keep_value(void *context, const char *name, const char *before, const char *after) {
    (void)before;
    memory_free(table_put(context, bytes_of_text(name), memory_copy_text(after)));
}

static void free_values(struct table *values) {
    size_t position = 0;
    struct bytes name;
    void *value;
    while (table_walk(values, &position, &name, &value))
        memory_free(value);
    table_free(values);
}

static void expect_read_back(const struct config *config, struct bytes text) {
    struct config fresh, again;
    struct buffer out, problem;
    struct table *values = table_new();
    config_init(&fresh);
    config_init(&again);
    buffer_init(&out, TEXT_MAXIMUM_BYTES);
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    config_difference(&fresh, config, keep_value, values);
    config_rewrite(text, values, &out);
    CHECK(!out.is_overflowed);
    CHECK(config_parse(&again, "again", buffer_bytes(&out), CONFIG_SOURCE_FILE, &problem) == 0);
    CHECK(are_equal(&again, config));
    free_values(values);
    buffer_release(&problem);
    buffer_release(&out);
    config_release(&again);
    config_release(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct bytes text = bytes_of(data + 1, length - 1);
    enum config_source source = (enum config_source)(data[0] % (CONFIG_SOURCE_LIVE + 1));
    struct config config, untouched;
    struct buffer problem;
    config_init(&config);
    config_init(&untouched);
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    if (config_parse(&config, "file", text, source, &problem) == 0) {
        CHECK(problem.length == 0);
        expect_read_back(&config, text);
        expect_read_back(&config, BYTES_NONE);
    } else {
        CHECK(problem.length > 0);
        CHECK(are_equal(&config, &untouched));
    }
    buffer_release(&problem);
    config_release(&untouched);
    config_release(&config);
    return 0;
}
