/* Each setting of gossip reaches the core, as what it is called and in the core's units; none
 * reaches another's place. */
#include "../unit.h"
#include "tuning/tuning.h"

/* Not the default, and as what it has to be read. */
static const struct wish {
    const char *name, *value;
    size_t at, bytes;
    uint64_t expected;
} wishes[] = {
#define WISH(name, value, field, expected)                                                         \
    {                                                                                              \
        name, value, offsetof(struct gossip_timing, field),                                        \
            sizeof((struct gossip_timing){0}.field), expected                                      \
    }
    WISH("gossip-probe-interval-ms", "700", probe_interval_us, 700000),
    WISH("gossip-probe-timeout-ms", "150", probe_timeout_us, 150000),
    WISH("gossip-suspicion-factor", "6", suspicion_factor, 6),
    WISH("gossip-flush-ms", "9", flush_us, 9000),
    WISH("gossip-adapt", "no", is_adapting, 0),
    WISH("gossip-goal-ms", "321", goal_us, 321000),
    WISH("gossip-coordinates", "no", says_coordinate, 0),
    WISH("gossip-fan-out", "7", fan_out, 7),
    WISH("gossip-bytes-per-second", "3mb", bytes_per_second, 3 << 20),
    WISH("gossip-compress-min-bytes", "555", compress_min_bytes, 555),
    WISH("gossip-stream-min-bytes", "77kb", stream_min_bytes, 77 << 10),
    WISH("gossip-wire-maximum", "0", wire_maximum, 0),
#undef WISH
};
enum { WISHES = sizeof wishes / sizeof *wishes };

static uint64_t field_of(const struct gossip_timing *timing, const struct wish *wish) {
    const uint8_t *at = (const uint8_t *)timing + wish->at;
    if (wish->bytes == sizeof(bool))
        return *(const bool *)at;
    if (wish->bytes == sizeof(unsigned))
        return *(const unsigned *)at;
    assert_int_equal(wish->bytes, sizeof(uint64_t));
    return *(const uint64_t *)at;
}

static void test_each_setting_has_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < WISHES; i++) {
        struct config config;
        struct buffer problem;
        config_init(&config);
        buffer_init(&problem, 4096);
        const struct gossip_timing before = tuning_timing(&config);
        assert_int_equal(config_set(&config, bytes_of_text(wishes[i].name),
                                    bytes_of_text(wishes[i].value), CONFIG_SOURCE_LIVE, &problem),
                         0);
        const struct gossip_timing after = tuning_timing(&config);
        assert_true(field_of(&before, &wishes[i]) != wishes[i].expected);
        for (size_t other = 0; other < WISHES; other++)
            assert_int_equal(field_of(&after, &wishes[other]),
                             other == i ? wishes[i].expected : field_of(&before, &wishes[other]));
        buffer_release(&problem);
        config_release(&config);
    }
}

/* A setting that is added and reaches nothing would be found here. */
static void count_setting(void *context, const char *name, const char *value) {
    unsigned *count = context;
    (void)value;
    (*count)++;
    for (size_t i = 0; i < WISHES; i++)
        if (strcmp(name, wishes[i].name) == 0)
            return;
    fail_msg("%s is not looked at", name);
}

static void test_every_setting_of_gossip_is_looked_at(void **state) {
    (void)state;
    struct config config;
    unsigned count = 0;
    config_init(&config);
    config_get(&config, BYTES_LITERAL("gossip-*"), count_setting, &count);
    assert_int_equal(count, WISHES);
    config_release(&config);
}

RUN_TESTS(cmocka_unit_test(test_each_setting_has_its_place),
          cmocka_unit_test(test_every_setting_of_gossip_is_looked_at))
