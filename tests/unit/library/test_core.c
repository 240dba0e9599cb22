/* Events in, actions out, by the public header alone: a few members in one process, and datagrams
 * carried from the one to the other by hand. */
#include "../unit.h"
#include "troth-gossip.h"
#include <stdlib.h>

enum { MEMBERS = 4, STEP_US = 5000, CARRIED_MAXIMUM = 4096 };

struct carried {
    unsigned to, from;
    size_t length;
    uint8_t bytes[TROTH_GOSSIP_DATAGRAM_MAXIMUM];
};

struct world {
    uint64_t now_us;
    struct troth_gossip *members[MEMBERS];
    bool is_cut[MEMBERS];
    uint64_t deadline_us[MEMBERS];
    unsigned changes[MEMBERS][TROTH_GOSSIP_CHANGE_NAME_CONFLICT + 1];
    char last_key[64], last_value[64];
    struct carried carried[CARRIED_MAXIMUM]; /* under way */
    size_t carried_count;
    unsigned lines; /* logged */
};

static struct troth_gossip_address address_of(unsigned member) {
    struct troth_gossip_address address;
    char text[32];
    snprintf(text, sizeof text, "10.0.0.%u:7946", member + 1);
    assert_int_equal(troth_gossip_address_parse(&address, text), 0);
    return address;
}

static void on_log(void *context, enum troth_gossip_log_level level, const char *line) {
    ((struct world *)context)->lines++;
    assert_in_range(level, TROTH_GOSSIP_LOG_DEBUG, TROTH_GOSSIP_LOG_ERROR);
    assert_null(strchr(line, '\n'));
}

static struct troth_gossip_options options_of(struct world *world, unsigned member) {
    struct troth_gossip_options options = {.generation = 1,
                                           .address = address_of(member),
                                           .seed = member + 1,
                                           .now_us = world->now_us,
                                           .log = on_log,
                                           .context = world};
    options.uuid[0] = (uint8_t)(member + 1);
    return options;
}

static void copy_text(char out[64], struct troth_gossip_bytes bytes) {
    snprintf(out, 64, "%.*s", (int)bytes.length, (const char *)bytes.data);
}

static void take(struct world *world, unsigned member, const struct troth_gossip_actions *actions) {
    world->deadline_us[member] = actions->deadline_us;
    for (size_t i = 0; i < actions->datagram_count; i++) {
        const struct troth_gossip_datagram *datagram = &actions->datagrams[i];
        unsigned to = 0;
        assert_int_equal(sscanf(datagram->to.host, "10.0.0.%u", &to), 1);
        assert_true(datagram->bytes.length <= TROTH_GOSSIP_DATAGRAM_MAXIMUM);
        assert_true(world->carried_count < CARRIED_MAXIMUM);
        struct carried *carried = &world->carried[world->carried_count++];
        *carried = (struct carried){.to = to - 1, .from = member, .length = datagram->bytes.length};
        memcpy(carried->bytes, datagram->bytes.data, carried->length);
    }
    for (size_t i = 0; i < actions->change_count; i++) {
        const struct troth_gossip_change *change = &actions->changes[i];
        world->changes[member][change->kind]++;
        if (change->kind == TROTH_GOSSIP_CHANGE_KEY) {
            copy_text(world->last_key, change->key);
            copy_text(world->last_value, change->value);
        }
    }
}

static int step(struct world *world, unsigned member, struct troth_gossip_event event) {
    struct troth_gossip_actions actions;
    event.now_us = world->now_us;
    int code = troth_gossip_step(world->members[member], &event, &actions);
    take(world, member, &actions);
    return code;
}

static void deliver(struct world *world) {
    size_t count = world->carried_count;
    struct carried *carried = malloc(count * sizeof *carried);
    memcpy(carried, world->carried, count * sizeof *carried);
    world->carried_count = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned to = carried[i].to;
        if (to >= MEMBERS || world->is_cut[to] || world->is_cut[carried[i].from])
            continue;
        assert_int_equal(
            step(world, to,
                 (struct troth_gossip_event){.kind = TROTH_GOSSIP_DATAGRAM,
                                             .address = address_of(carried[i].from),
                                             .bytes = {carried[i].bytes, carried[i].length}}),
            0);
    }
    free(carried);
}

static void run(struct world *world, unsigned seconds) {
    for (uint64_t end_us = world->now_us + seconds * UINT64_C(1000000); world->now_us < end_us;) {
        world->now_us += STEP_US;
        deliver(world);
        for (unsigned i = 0; i < MEMBERS; i++)
            if (world->now_us >= world->deadline_us[i])
                assert_int_equal(
                    step(world, i, (struct troth_gossip_event){.kind = TROTH_GOSSIP_TICK}), 0);
    }
}

static struct world *world_new(void) {
    struct world *world = calloc(1, sizeof *world);
    world->now_us = 1000000;
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct troth_gossip_options options = options_of(world, i);
        char name[16];
        snprintf(name, sizeof name, "member-%u", i);
        options.name = name;
        assert_int_equal(troth_gossip_new(&options, &world->members[i]), 0);
        if (i > 0)
            assert_int_equal(step(world, i,
                                  (struct troth_gossip_event){.kind = TROTH_GOSSIP_SEED,
                                                              .address = address_of(0)}),
                             0);
    }
    return world;
}

static void world_free(struct world *world) {
    for (unsigned i = 0; i < MEMBERS; i++)
        troth_gossip_free(world->members[i]);
    free(world);
}

static struct troth_gossip_bytes text(const char *text) {
    return (struct troth_gossip_bytes){(const uint8_t *)text, strlen(text)};
}

static enum troth_gossip_state state_of(struct world *world, unsigned member, unsigned other) {
    struct troth_gossip_options options = options_of(world, other);
    struct troth_gossip_member found;
    assert_true(troth_gossip_member_find(world->members[member], options.uuid, &found));
    assert_int_equal(found.is_self, member == other);
    return found.state;
}

/* Four members meet through one; a key that one says is seen by all; one dies, one leaves. */
static void test_members_meet_and_talk(void **state) {
    (void)state;
    struct world *world = world_new();
    struct troth_gossip_options first = options_of(world, 0);
    struct troth_gossip_bytes value;
    run(world, 10);
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_int_equal(troth_gossip_member_count(world->members[i]), MEMBERS);
        assert_int_equal(world->changes[i][TROTH_GOSSIP_CHANGE_JOINED], MEMBERS - 1);
    }
    assert_int_equal(step(world, 0,
                          (struct troth_gossip_event){
                              .kind = TROTH_GOSSIP_SET, .key = text("role"), .value = text("web")}),
                     0);
    run(world, 2);
    assert_string_equal(world->last_key, "role");
    assert_string_equal(world->last_value, "web");
    assert_true(troth_gossip_get(world->members[3], first.uuid, "role", &value));
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.data, "web", 3);
    assert_int_equal(
        step(world, 0,
             (struct troth_gossip_event){.kind = TROTH_GOSSIP_REMOVE, .key = text("role")}),
        0);
    run(world, 2);
    assert_false(troth_gossip_get(world->members[3], first.uuid, "role", &value));
    assert_string_equal(world->last_value, "");
    world->is_cut[1] = true;
    assert_int_equal(step(world, 2, (struct troth_gossip_event){.kind = TROTH_GOSSIP_LEAVE}), 0);
    run(world, 20);
    assert_int_equal(state_of(world, 0, 1), TROTH_GOSSIP_DEAD);
    assert_int_equal(state_of(world, 3, 2), TROTH_GOSSIP_LEFT);
    assert_int_equal(state_of(world, 3, 3), TROTH_GOSSIP_ALIVE);
    uint64_t round_trip_us;
    assert_true(troth_gossip_round_trip_us(world->members[0], first.uuid, options_of(world, 3).uuid,
                                           &round_trip_us));
    assert_in_range(round_trip_us, 1, 1000000);
    first.uuid[9] = 1; /* nobody */
    assert_false(troth_gossip_round_trip_us(world->members[0], first.uuid,
                                            options_of(world, 3).uuid, &round_trip_us));
    struct troth_gossip_counters counters;
    troth_gossip_counters(world->members[0], &counters);
    assert_true(counters.datagrams_sent > 0);
    assert_true(counters.bytes_received > 0);
    world_free(world);
}

/* The keys of a member, one after the other. */
static void test_walking_keys(void **state) {
    (void)state;
    struct world *world = world_new();
    struct troth_gossip_options first = options_of(world, 0);
    struct troth_gossip_bytes key, value;
    static const char *const names[] = {"a", "b", "c"};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(step(world, 0,
                              (struct troth_gossip_event){.kind = TROTH_GOSSIP_SET,
                                                          .key = text(names[i]),
                                                          .value = text("x")}),
                         0);
    size_t position = 0, count = 0;
    while (troth_gossip_walk(world->members[0], first.uuid, &position, &key, &value))
        count++;
    assert_int_equal(count, 3);
    position = 0;
    first.uuid[5] = 77; /* nobody */
    assert_false(troth_gossip_walk(world->members[0], first.uuid, &position, &key, &value));
    world_free(world);
}

/* What a program says wrongly is refused with its code, and nothing is changed or sent. */
static void test_bad_events_change_nothing(void **state) {
    (void)state;
    struct world *world = world_new();
    struct troth_gossip *gossip = world->members[0];
    uint8_t bytes[TROTH_GOSSIP_VALUE_MAXIMUM + 1] = {0};
    const struct troth_gossip_bytes too_long = {bytes, sizeof bytes}, key = text("key");
    struct troth_gossip_address nowhere = {.host = "example", .port = 1}, endless;
    memset(endless.host, '1', sizeof endless.host);
    endless.port = 1;
    const struct {
        struct troth_gossip_event event;
        int code;
    } bad[] = {
        {{.kind = TROTH_GOSSIP_SET, .value = key}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_SET, .key = key}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_SET, .key = key, .value = too_long}, TROTH_GOSSIP_LIMIT},
        {{.kind = TROTH_GOSSIP_SET, .key = too_long, .value = key}, TROTH_GOSSIP_LIMIT},
        {{.kind = TROTH_GOSSIP_SET, .key = key, .value = key, .priority = 9}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_SET, .key = text("~at"), .value = key}, TROTH_GOSSIP_REFUSED},
        {{.kind = TROTH_GOSSIP_REMOVE, .key = text("~at")}, TROTH_GOSSIP_REFUSED},
        {{.kind = TROTH_GOSSIP_REMOVE}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_SEED, .address = nowhere}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_SEED, .address = endless}, TROTH_GOSSIP_INVALID},
        {{.kind = TROTH_GOSSIP_DATAGRAM, .address = nowhere}, TROTH_GOSSIP_INVALID},
        {{.kind = (enum troth_gossip_event_kind)99}, TROTH_GOSSIP_INVALID},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct troth_gossip_actions actions;
        struct troth_gossip_event event = bad[i].event;
        event.now_us = world->now_us;
        assert_int_equal(troth_gossip_step(gossip, &event, &actions), bad[i].code);
        assert_int_equal(actions.datagram_count + actions.change_count, 0);
    }
    /* Noise from a peer is no error of the program: it is counted. */
    struct troth_gossip_counters counters;
    assert_int_equal(step(world, 0,
                          (struct troth_gossip_event){.kind = TROTH_GOSSIP_DATAGRAM,
                                                      .address = address_of(1),
                                                      .bytes = text("noise")}),
                     0);
    troth_gossip_counters(gossip, &counters);
    assert_int_equal(counters.malformed, 1);
    world_free(world);
}

static int say(struct world *world, const char *key, const char *value) {
    return step(world, 0,
                (struct troth_gossip_event){
                    .kind = TROTH_GOSSIP_SET, .key = text(key), .value = text(value)});
}

/* A member says as many keys as it may, and not one more; what the core says of it by itself, where
 * it lies, is not among them. All are heard. */
static void test_as_many_keys_as_allowed(void **state) {
    (void)state;
    struct world *world = world_new();
    const struct troth_gossip_options first = options_of(world, 0);
    struct troth_gossip_bytes key, value;
    run(world, 10);
    unsigned said = 0;
    int code = 0;
    while (code == 0 && said < 1000) {
        char name[16];
        snprintf(name, sizeof name, "key-%u", said);
        code = say(world, name, "v");
        said += code == 0;
    }
    assert_int_equal(code, TROTH_GOSSIP_LIMIT);
    assert_int_equal(said, TROTH_GOSSIP_KEYS_MAXIMUM);
    assert_int_equal(say(world, "key-1", "w"), 0);
    run(world, 10);
    size_t position = 0, heard = 0;
    while (troth_gossip_walk(world->members[3], first.uuid, &position, &key, &value))
        heard++;
    assert_int_equal(heard, TROTH_GOSSIP_KEYS_MAXIMUM);
    uint64_t round_trip_us;
    assert_true(troth_gossip_round_trip_us(world->members[3], first.uuid, options_of(world, 2).uuid,
                                           &round_trip_us));
    world_free(world);
}

static void test_bad_options(void **state) {
    (void)state;
    struct world world = {.now_us = 1};
    struct troth_gossip *gossip = NULL;
    struct troth_gossip_options options = options_of(&world, 0);
    options.address.port = 0;
    assert_int_equal(troth_gossip_new(&options, &gossip), TROTH_GOSSIP_INVALID);
    options = options_of(&world, 0);
    options.generation = UINT64_MAX;
    assert_int_equal(troth_gossip_new(&options, &gossip), TROTH_GOSSIP_INVALID);
    options = options_of(&world, 0);
    options.name = "0123456789012345678901234567890123456789012345678901234567890123";
    assert_int_equal(troth_gossip_new(&options, &gossip), TROTH_GOSSIP_INVALID);
    assert_null(gossip);
    troth_gossip_free(NULL);
}

/* Settings by the names that they have in a node; what is no setting of gossip is refused. */
static void test_settings_by_name(void **state) {
    (void)state;
    struct world *world = world_new();
    struct troth_gossip *gossip = world->members[0];
    char problem[TROTH_GOSSIP_PROBLEM_BYTES], cut[8];
    assert_int_equal(
        troth_gossip_configure(gossip, "gossip-probe-interval-ms", "200", problem, sizeof problem),
        0);
    assert_int_equal(
        troth_gossip_configure(gossip, "gossip-probe-interval-ms", "-1", problem, sizeof problem),
        TROTH_GOSSIP_INVALID);
    assert_non_null(strstr(problem, "gossip-probe-interval-ms"));
    assert_int_equal(
        troth_gossip_configure(gossip, "gossip-probe-timeout-ms", "300", problem, sizeof problem),
        TROTH_GOSSIP_INVALID); /* longer than the interval, which is 200 */
    assert_int_equal(
        troth_gossip_configure(gossip, "gossip-probe-timeout-ms", "100", problem, sizeof problem),
        0);
    assert_int_equal(troth_gossip_configure(gossip, "gossip-nothing", "1", problem, sizeof problem),
                     TROTH_GOSSIP_NOT_FOUND);
    assert_int_equal(troth_gossip_configure(gossip, "maxclients", "1", cut, sizeof cut),
                     TROTH_GOSSIP_NOT_FOUND);
    assert_int_equal(strlen(cut), sizeof cut - 1);
    assert_int_equal(troth_gossip_configure(gossip, "maxclients", "1", NULL, 0),
                     TROTH_GOSSIP_NOT_FOUND);
    world_free(world);
}

static void test_texts(void **state) {
    (void)state;
    struct troth_gossip_address address;
    assert_string_equal(troth_gossip_state_text(TROTH_GOSSIP_JOINING), "joining");
    assert_string_equal(troth_gossip_state_text((enum troth_gossip_state)77), "unknown");
    for (int code = 0; code >= TROTH_GOSSIP_REFUSED; code--)
        assert_string_not_equal(troth_gossip_error_text(code), troth_gossip_error_text(-1000));
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TROTH_GOSSIP_VERSION_MAJOR,
             TROTH_GOSSIP_VERSION_MINOR, TROTH_GOSSIP_VERSION_PATCH);
    assert_string_equal(troth_gossip_version(), TROTH_GOSSIP_VERSION);
    assert_string_equal(troth_gossip_version(), version);
    assert_int_equal(troth_gossip_address_parse(&address, "[::1]:80"), 0);
    assert_string_equal(address.host, "::1");
    assert_int_equal(troth_gossip_address_parse(&address, "localhost:80"), TROTH_GOSSIP_INVALID);
    assert_int_equal(troth_gossip_address_parse(&address, ""), TROTH_GOSSIP_INVALID);
    assert_int_equal(troth_gossip_address_parse(&address, "[fe80::1%lo]:80"), TROTH_GOSSIP_INVALID);
}

RUN_TESTS(cmocka_unit_test(test_members_meet_and_talk), cmocka_unit_test(test_walking_keys),
          cmocka_unit_test(test_bad_events_change_nothing),
          cmocka_unit_test(test_as_many_keys_as_allowed), cmocka_unit_test(test_bad_options),
          cmocka_unit_test(test_settings_by_name), cmocka_unit_test(test_texts))
