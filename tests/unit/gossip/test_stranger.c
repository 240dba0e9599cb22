/* What a stranger can do to a cluster without a key, which believes whoever reaches it: all that it
 * makes grow is bounded, and the real members do not lose each other by it. */
#include "../unit.h"
#include "gossip/wire/codec.h"
#include "world.h"

enum { ANNOUNCED = GOSSIP_MEMBER_MAXIMUM + 4000, NODES = 3, DATAGRAMS_A_SECOND = 500 };

static void uuid_of(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xee, GOSSIP_UUID_BYTES);
    memcpy(uuid, &number, sizeof number);
}

static struct codec_record record_of(unsigned number) {
    struct codec_record record = {.generation = 1, .state = GOSSIP_ALIVE, .address.port = 9};
    uuid_of(number, record.uuid);
    snprintf(record.address.host, sizeof record.address.host, "10.200.%u.%u", number / 250 % 250,
             number % 250);
    snprintf(record.name, sizeof record.name, "made-up-%u", number);
    return record;
}

/* Sends node 1 what the writer holds, as news from the stranger. */
static void tell(struct world *world, struct codec_writer *writer) {
    world_send(world, NODES + 1, 1, buffer_bytes(&writer->buffer));
    world_run(world, 5000);
}

static void begin(struct codec_writer *writer) {
    static const struct codec_wire wire = {.version = 0};
    uint8_t stranger[GOSSIP_UUID_BYTES];
    uuid_of(UINT32_MAX, stranger);
    codec_begin(writer, &wire, CODEC_NEWS, stranger, 1);
}

static void announce_members(struct world *world, struct codec_writer *writer) {
    for (unsigned next = 0; next < ANNOUNCED;) {
        struct codec_record record = record_of(next);
        begin(writer);
        codec_list_begin(writer, CODEC_SECTION_RECORDS);
        while (next < ANNOUNCED && codec_write_record(writer, &record))
            record = record_of(++next);
        codec_list_end(writer);
        tell(world, writer);
    }
}

static void announce_entry(struct world *world, struct codec_writer *writer, unsigned member,
                           uint64_t floor, const struct codec_entry *entry) {
    struct codec_group group = {.generation = 1, .floor = floor};
    uuid_of(member, group.uuid);
    begin(writer);
    codec_list_begin(writer, CODEC_SECTION_ENTRIES);
    assert_true(codec_group_begin(writer, &group));
    assert_true(codec_write_entry(writer, entry));
    codec_group_end(writer);
    codec_list_end(writer);
    tell(world, writer);
}

static void announce_member(struct world *world, struct codec_writer *writer, unsigned number) {
    struct codec_record record = record_of(number);
    begin(writer);
    codec_list_begin(writer, CODEC_SECTION_RECORDS);
    assert_true(codec_write_record(writer, &record));
    codec_list_end(writer);
    tell(world, writer);
}

/* One key of one member, as long as may be. */
static void announce_key(struct world *world, struct codec_writer *writer, unsigned member,
                         unsigned key) {
    uint8_t value[GOSSIP_VALUE_MAXIMUM];
    char name[16];
    struct codec_entry entry = {.version = key + 1, .previous = key};
    snprintf(name, sizeof name, "key-%u", key);
    memset(value, 'x', sizeof value);
    entry.key = bytes_of_text(name);
    entry.value = bytes_of(value, sizeof value);
    announce_entry(world, writer, member, 0, &entry);
}

static size_t keys_of(struct world *world, unsigned node, unsigned member) {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    struct bytes key, value;
    uint64_t version;
    size_t position = 0, count = 0;
    uuid_of(member, uuid);
    const struct gossip *gossip = world->nodes[node].gossip;
    const struct gossip_member *found = gossip_member_of(gossip, uuid);
    if (found == NULL)
        return 0;
    while (gossip_walk_keys(gossip, found, &position, &key, &value, &version))
        count++;
    return count;
}

static struct world *world_with_stranger(void) {
    struct world *world = world_new(5);
    world_add_cluster(world, NODES);
    assert_true(world_run_until(world, 20000000, world_is_settled));
    world_add(world); /* the stranger's address; it is not in the cluster */
    world_kill(world, NODES + 1);
    return world;
}

/* A stranger announces more members than there may be, none of which exists. */
static void test_members_that_a_stranger_makes_up(void **state) {
    (void)state;
    struct world *world = world_with_stranger();
    struct codec_writer writer;
    codec_writer_init(&writer);
    announce_members(world, &writer);
    for (unsigned i = 1; i <= NODES; i++)
        assert_in_range(gossip_member_count(world->nodes[i].gossip), NODES, GOSSIP_MEMBER_MAXIMUM);
    /* What the news of them costs stays within what a node sends anyway: it is told by turns. */
    uint64_t before = world->datagram_count;
    world_run(world, 10000000);
    assert_in_range(world->datagram_count - before, 1, NODES * 10 * DATAGRAMS_A_SECOND);
    for (unsigned i = 1; i <= NODES; i++) {
        assert_in_range(gossip_member_count(world->nodes[i].gossip), NODES, GOSSIP_MEMBER_MAXIMUM);
        for (unsigned other = 1; other <= NODES; other++)
            assert_true(world_is_state(world, i, other, GOSSIP_ALIVE));
    }
    codec_writer_release(&writer);
    world_free(world);
}

/* One made-up member is said to say a thousand keys of the greatest length. */
static void test_keys_that_a_stranger_makes_up(void **state) {
    (void)state;
    struct world *world = world_with_stranger();
    struct codec_writer writer;
    codec_writer_init(&writer);
    announce_member(world, &writer, 7);
    for (unsigned key = 0; key < 1000; key++)
        announce_key(world, &writer, 7, key);
    assert_in_range(keys_of(world, 1, 7), 1, 384);
    codec_writer_release(&writer);
    world_free(world);
}

/* A member has said as much as may be kept of it, and then it has another chain, of one key: that
 * one has room, for what is known of the earlier chain goes. It would else be missing for good, as
 * all up to its version counts as known. */
static void test_a_reset_makes_room(void **state) {
    (void)state;
    enum { MOST = 384, FLOOR = 1000 };
    struct world *world = world_with_stranger();
    struct codec_writer writer;
    uint8_t uuid[GOSSIP_UUID_BYTES];
    const struct codec_entry fresh = {
        .version = FLOOR + 1, .key = BYTES_LITERAL("fresh"), .value = BYTES_LITERAL("yes")};
    codec_writer_init(&writer);
    announce_member(world, &writer, 7);
    for (unsigned key = 0; key < MOST + 10; key++)
        announce_key(world, &writer, 7, key);
    assert_int_equal(keys_of(world, 1, 7), MOST);
    announce_entry(world, &writer, 7, FLOOR, &fresh);
    assert_int_equal(keys_of(world, 1, 7), 1);
    uuid_of(7, uuid);
    const struct gossip *gossip = world->nodes[1].gossip;
    assert_true(bytes_equal(gossip_get(gossip, gossip_member_of(gossip, uuid), fresh.key),
                            BYTES_LITERAL("yes")));
    codec_writer_release(&writer);
    world_free(world);
}

static uint64_t malformed_at_one(struct world *world) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[1].gossip, &counters);
    return counters.malformed;
}

/* A datagram may be as long as is said, and no longer; what a section of a later release holds is
 * skipped. */
static void test_the_longest_datagram(void **state) {
    (void)state;
    enum { LATER_SECTION = 200 };
    struct world *world = world_with_stranger();
    for (size_t length = GOSSIP_DATAGRAM_MAXIMUM; length <= GOSSIP_DATAGRAM_MAXIMUM + 1; length++) {
        uint8_t bytes[GOSSIP_DATAGRAM_MAXIMUM + 1] = {0};
        struct codec_writer writer;
        codec_writer_init(&writer);
        begin(&writer);
        size_t header = writer.buffer.length, body = length - header - CODEC_SECTION_HEADER_BYTES;
        memcpy(bytes, buffer_data(&writer.buffer), header);
        bytes[header] = LATER_SECTION;
        bytes[header + 1] = (uint8_t)body;
        bytes[header + 2] = (uint8_t)(body >> 8);
        world_send(world, NODES + 1, 1, bytes_of(bytes, length));
        assert_int_equal(malformed_at_one(world), length > GOSSIP_DATAGRAM_MAXIMUM);
        codec_writer_release(&writer);
    }
    world_free(world);
}

/* Of one member many keys, all at one version, as no member says them: they are told on, and given
 * to whoever lacks them. */
static void test_many_keys_of_one_version(void **state) {
    (void)state;
    enum { ALIKE = 5 };
    struct world *world = world_with_stranger();
    struct codec_writer writer;
    char name[16];
    codec_writer_init(&writer);
    announce_member(world, &writer, 7);
    for (unsigned key = 0; key < ALIKE; key++) {
        struct codec_entry entry = {.version = 1, .value = BYTES_LITERAL("yes")};
        snprintf(name, sizeof name, "key-%u", key);
        entry.key = bytes_of_text(name);
        announce_entry(world, &writer, 7, 0, &entry);
    }
    world_run(world, 1000000);
    unsigned newcomer = world_add(world)->number;
    world_seed(world, newcomer, 1);
    world_run(world, 500000);
    assert_int_equal(keys_of(world, 1, 7), ALIKE);
    assert_int_equal(keys_of(world, newcomer, 7), ALIKE);
    codec_writer_release(&writer);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_members_that_a_stranger_makes_up),
          cmocka_unit_test(test_keys_that_a_stranger_makes_up),
          cmocka_unit_test(test_a_reset_makes_room), cmocka_unit_test(test_the_longest_datagram),
          cmocka_unit_test(test_many_keys_of_one_version))
