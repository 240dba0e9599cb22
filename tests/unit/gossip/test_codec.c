/* Golden bytes of versions 0 and 1, and what must be refused. The bytes here are those of
 * docs/format/gossip.md. */
#include "../unit.h"
#include "gossip/wire/codec.h"

static const uint8_t sender[GOSSIP_UUID_BYTES] = "SSSSSSSSSSSSSSS";
static const uint8_t other[GOSSIP_UUID_BYTES] = "TTTTTTTTTTTTTTT";

static const struct codec_wire version_0 = {.version = 0};

#define SENDER "SSSSSSSSSSSSSSS\0"
#define OTHER  "TTTTTTTTTTTTTTT\0"

static const struct codec_record suspect = {.uuid = "TTTTTTTTTTTTTTT",
                                            .generation = 3,
                                            .incarnation = 300,
                                            .state = GOSSIP_SUSPECT,
                                            .accuser = "SSSSSSSSSSSSSSS",
                                            .address = {.host = "10.0.0.1", .port = 17001},
                                            .name = "n1"};
static const struct codec_entry color = {.version = 9,
                                         .previous = 4,
                                         .key = {(const uint8_t *)"color", 5},
                                         .value = {(const uint8_t *)"red", 3}};
static const struct codec_entry removed = {
    .version = 10, .previous = 9, .is_removed = true, .key = {(const uint8_t *)"size", 4}};

static void assert_bytes(const struct codec_writer *writer, struct bytes golden) {
    struct bytes written = buffer_bytes(&writer->buffer);
    assert_int_equal(written.length, golden.length);
    assert_memory_equal(written.data, golden.data, golden.length);
}

static void write_ping(struct codec_writer *writer) {
    codec_begin(writer, &version_0, CODEC_PING, sender, 2);
    codec_write_sequence(writer, 0x1122334455667788);
    codec_write_target(writer, other);
    codec_write_hash(writer, 0xa1);
    assert_true(codec_list_begin(writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(writer, &suspect));
    codec_list_end(writer);
    assert_true(codec_list_begin(writer, CODEC_SECTION_ENTRIES));
    struct codec_group group = {.uuid = "TTTTTTTTTTTTTTT", .generation = 3, .floor = 1};
    assert_true(codec_group_begin(writer, &group));
    assert_true(codec_write_entry(writer, &color));
    assert_true(codec_write_entry(writer, &removed));
    codec_group_end(writer);
    codec_list_end(writer);
}

static const struct bytes golden_ping =
    BYTES_LITERAL("\x00\x01" SENDER "\x02"
                  "\x01\x08\x00\x88\x77\x66\x55\x44\x33\x22\x11"
                  "\x02\x10\x00" OTHER "\x03\x08\x00\xa1\x00\x00\x00\x00\x00\x00\x00"
                  "\x05\x32\x00" OTHER "\x03\xac\x02\x01" SENDER "\x08"
                  "10.0.0.1"
                  "\x69\x42"
                  "\x02"
                  "n1"
                  "\x06\x2a\x00" OTHER "\x03\x01\x16\x00"
                  "\x09\x04\x00\x05"
                  "color"
                  "\x03"
                  "red"
                  "\x0a\x09\x01\x04"
                  "size"
                  "\x00");

static void write_digest(struct codec_writer *writer) {
    codec_begin(writer, &version_0, CODEC_DIGEST, sender, 2);
    assert_true(codec_list_begin(writer, CODEC_SECTION_DIGESTS));
    struct codec_digest digest = {.uuid = "TTTTTTTTTTTTTTT",
                                  .generation = 3,
                                  .incarnation = 1,
                                  .state = GOSSIP_DEAD,
                                  .version = 200,
                                  .floor = 5};
    assert_true(codec_write_digest(writer, &digest));
    codec_list_end(writer);
    codec_write_range(writer, sender, other);
}

static const struct bytes golden_digest =
    BYTES_LITERAL("\x00\x06" SENDER "\x02"
                  "\x08\x16\x00" OTHER "\x03\x01\x02\xc8\x01\x05"
                  "\x07\x20\x00" SENDER OTHER);

static void write_ask(struct codec_writer *writer) {
    codec_begin(writer, &version_0, CODEC_ASK, sender, 2);
    codec_write_sequence(writer, 1);
    codec_write_target(writer, other);
    codec_write_address(writer, &suspect.address);
}

static const struct bytes golden_ask = BYTES_LITERAL("\x00\x03" SENDER "\x02"
                                                     "\x01\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00"
                                                     "\x02\x10\x00" OTHER "\x04\x0b\x00\x08"
                                                     "10.0.0.1"
                                                     "\x69\x42");

/* A newcomer says that it is joining; its record says alive, as in every release. */
static void write_joining(struct codec_writer *writer) {
    codec_begin(writer, &version_0, CODEC_NEWS, sender, 2);
    codec_write_joining(writer);
    codec_write_phase(writer, 0x1234);
    assert_true(codec_list_begin(writer, CODEC_SECTION_RECORDS));
    struct codec_record record = {
        .uuid = SENDER, .generation = 2, .state = GOSSIP_JOINING, .name = "n2"};
    record.address = suspect.address;
    assert_true(codec_write_record(writer, &record));
    codec_list_end(writer);
}

static const struct bytes golden_joining = BYTES_LITERAL("\x00\x05" SENDER "\x02"
                                                         "\x20\x00\x00"
                                                         "\x21\x02\x00\x34\x12"
                                                         "\x05\x21\x00" SENDER "\x02\x00\x00\x08"
                                                         "10.0.0.1"
                                                         "\x69\x42"
                                                         "\x02"
                                                         "n2");

/* Take what you lack by a stream. */
static void write_offer(struct codec_writer *writer) {
    static const uint8_t first[GOSSIP_UUID_BYTES];
    uint8_t last[GOSSIP_UUID_BYTES];
    struct codec_record self = {
        .generation = 2, .address = {.host = "10.0.0.1", .port = 0x4269}, .name = "n2"};
    memset(last, 0xff, sizeof last);
    memcpy(self.uuid, sender, GOSSIP_UUID_BYTES);
    codec_begin(writer, &(struct codec_wire){0}, CODEC_FILL, sender, 2);
    codec_write_stream(writer);
    codec_write_range(writer, first, last);
    assert_true(codec_list_begin(writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(writer, &self));
    codec_list_end(writer);
}

#define EIGHT(byte) byte byte byte byte byte byte byte byte
static const struct bytes golden_offer =
    BYTES_LITERAL("\x00\x08" SENDER "\x02"
                  "\x22\x00\x00"
                  "\x07\x20\x00" EIGHT("\x00") EIGHT("\x00") EIGHT("\xff")
                      EIGHT("\xff") "\x05\x21\x00" SENDER "\x02\x00\x00\x08"
                                    "10.0.0.1"
                                    "\x69\x42"
                                    "\x02"
                                    "n2");

/* The same news in version 1, written 1 s after the suspicion, and 1 us before the entry by a clock
 * that runs ahead of the writer's; when the removal was made is not known. */
static const struct codec_wire version_1 = {.version = 1, .wall_us = 0x0006000000000000};

static void write_news_1(struct codec_writer *writer) {
    struct codec_record dated = suspect;
    dated.created_us = version_1.wall_us - 1000000;
    struct codec_record dead = dated;
    dead.state = GOSSIP_DEAD;
    struct codec_entry early = color;
    early.created_us = version_1.wall_us + 1;
    codec_begin(writer, &version_1, CODEC_NEWS, sender, 2);
    assert_true(codec_list_begin(writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(writer, &dated));
    assert_true(codec_write_record(writer, &dead));
    codec_list_end(writer);
    assert_true(codec_list_begin(writer, CODEC_SECTION_ENTRIES));
    struct codec_group group = {.uuid = "TTTTTTTTTTTTTTT", .generation = 3, .floor = 1};
    assert_true(codec_group_begin(writer, &group));
    assert_true(codec_write_entry(writer, &early));
    assert_true(codec_write_entry(writer, &removed));
    codec_group_end(writer);
    codec_list_end(writer);
}

#define RECORD_1(state)                                                                            \
    OTHER "\x03\xac\x02" state SENDER "\x08"                                                       \
          "10.0.0.1"                                                                               \
          "\x69\x42"                                                                               \
          "\x02"                                                                                   \
          "n1"                                                                                     \
          "\x81\x89\x7a"
static const struct bytes golden_news_1 = BYTES_LITERAL(
    "\x01\x05" SENDER "\x02"
    "\x00\x00\x00\x00\x00\x00\x06\x00"
    "\x05\x6a\x00" RECORD_1("\x01") RECORD_1("\x02") "\x06\x2c\x00" OTHER "\x03\x01\x18\x00"
                                                     "\x09\x04\x00\x02\x05"
                                                     "color"
                                                     "\x03"
                                                     "red"
                                                     "\x0a\x09\x01\x00\x04"
                                                     "size"
                                                     "\x00");

static void write_ack_1(struct codec_writer *writer) {
    codec_begin(writer, &version_1, CODEC_ACK, sender, 2);
    codec_write_sequence(writer, 1);
    codec_write_held(writer, 300);
    codec_write_hash(writer, 0xa1);
}

static const struct bytes golden_ack_1 =
    BYTES_LITERAL("\x01\x02" SENDER "\x02"
                  "\x00\x00\x00\x00\x00\x00\x06\x00"
                  "\x01\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00"
                  "\x0a\x02\x00\xac\x02"
                  "\x03\x08\x00\xa1\x00\x00\x00\x00\x00\x00\x00");

static void test_golden_bytes_1(void **state) {
    (void)state;
    struct codec_writer writer;
    codec_writer_init(&writer);
    write_news_1(&writer);
    assert_bytes(&writer, golden_news_1);
    write_ack_1(&writer);
    assert_bytes(&writer, golden_ack_1);
    codec_writer_release(&writer);
}

static void test_times_are_read_back(void **state) {
    (void)state;
    struct codec_message message;
    assert_int_equal(codec_decode(&message, golden_ack_1), 0);
    assert_true(message.has_held);
    assert_int_equal(message.held_us, 300);
    assert_int_equal(codec_decode(&message, golden_news_1), 0);
    assert_int_equal(message.newest_version, 1);
    assert_int_equal(message.wire.wall_us, version_1.wall_us);
    struct cursor in = cursor_of(message.records);
    struct codec_record record;
    codec_read_record(&in, &message.wire, &record);
    codec_read_record(&in, &message.wire, &record);
    assert_int_equal(record.state, GOSSIP_DEAD);
    assert_memory_equal(record.accuser, sender, GOSSIP_UUID_BYTES);
    assert_int_equal(record.created_us, version_1.wall_us - 1000000);
    in = cursor_of(message.groups);
    struct codec_group group;
    codec_read_group(&in, &group);
    in = cursor_of(group.entries);
    struct codec_entry entry;
    codec_read_entry(&in, &message.wire, &entry);
    assert_int_equal(entry.created_us, version_1.wall_us + 1);
    codec_read_entry(&in, &message.wire, &entry);
    assert_int_equal(entry.created_us, 0);
}

/* What a node of version 1 says to one of which it knows nothing yet. */
static void test_version_0_tells_of_version_1(void **state) {
    (void)state;
    struct bytes golden = BYTES_LITERAL("\x00\x05" SENDER "\x02\x09\x01\x00\x01");
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, sender, 2);
    codec_write_wire(&writer, 1);
    assert_bytes(&writer, golden);
    struct codec_message message;
    assert_int_equal(codec_decode(&message, golden), 0);
    assert_int_equal(message.newest_version, 1);
    assert_int_equal(message.wire.version, 0);
    codec_writer_release(&writer);
}

static void test_golden_bytes(void **state) {
    (void)state;
    struct codec_writer writer;
    codec_writer_init(&writer);
    write_ping(&writer);
    assert_bytes(&writer, golden_ping);
    write_digest(&writer);
    assert_bytes(&writer, golden_digest);
    write_ask(&writer);
    assert_bytes(&writer, golden_ask);
    write_joining(&writer);
    assert_bytes(&writer, golden_joining);
    write_offer(&writer);
    assert_bytes(&writer, golden_offer);
    struct codec_message offer;
    assert_int_equal(codec_decode(&offer, golden_offer), 0);
    assert_true(offer.has_stream && offer.has_range);
    codec_writer_release(&writer);
}

/* What was written is what is read. */
static void test_ping_is_read_back(void **state) {
    (void)state;
    struct codec_message message;
    assert_int_equal(codec_decode(&message, golden_ping), 0);
    assert_int_equal(message.kind, CODEC_PING);
    assert_memory_equal(message.sender, sender, GOSSIP_UUID_BYTES);
    assert_int_equal(message.generation, 2);
    assert_int_equal(message.sequence, 0x1122334455667788);
    assert_int_equal(message.hash, 0xa1);
    assert_memory_equal(message.target, other, GOSSIP_UUID_BYTES);
    struct cursor in = cursor_of(message.records);
    struct codec_record record;
    codec_read_record(&in, &message.wire, &record);
    assert_int_equal(cursor_finish(&in), 0);
    assert_memory_equal(record.uuid, other, GOSSIP_UUID_BYTES);
    assert_memory_equal(record.accuser, sender, GOSSIP_UUID_BYTES);
    assert_int_equal(record.incarnation, 300);
    assert_int_equal(record.state, GOSSIP_SUSPECT);
    assert_string_equal(record.address.host, "10.0.0.1");
    assert_int_equal(record.address.port, 17001);
    assert_string_equal(record.name, "n1");
    in = cursor_of(message.groups);
    struct codec_group group;
    codec_read_group(&in, &group);
    assert_int_equal(cursor_finish(&in), 0);
    assert_int_equal(group.floor, 1);
    in = cursor_of(group.entries);
    struct codec_entry entry;
    codec_read_entry(&in, &message.wire, &entry);
    assert_true(bytes_equal(entry.value, color.value));
    assert_int_equal(entry.previous, 4);
    codec_read_entry(&in, &message.wire, &entry);
    assert_true(entry.is_removed);
    assert_true(bytes_equal(entry.key, removed.key));
    assert_int_equal(cursor_finish(&in), 0);
}

/* A datagram cut anywhere is malformed, unless the cut falls between two sections and the rest is a
 * whole message. */
static void check_truncations(struct bytes golden, size_t expected_whole) {
    struct codec_message message;
    size_t whole = 0;
    for (size_t length = 0; length < golden.length; length++)
        whole += codec_decode(&message, bytes_of(golden.data, length)) == 0;
    assert_int_equal(whole, expected_whole);
    assert_int_equal(codec_decode(&message, golden), 0);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    check_truncations(golden_ping, 2); /* before RECORDS, before ENTRIES */
    check_truncations(golden_digest, 0);
    check_truncations(golden_ask, 0);
    check_truncations(golden_news_1, 2); /* without sections, before ENTRIES */
    check_truncations(golden_ack_1, 0);
}

static int decode(const char *text, size_t length) {
    struct codec_message message;
    return codec_decode(&message, bytes_of(text, length));
}
#define DECODE(text) decode(text, sizeof(text) - 1)
#define NEWS         "\x00\x05" SENDER "\x02"

static void test_bad_contents_are_refused(void **state) {
    (void)state;
    assert_int_equal(DECODE(NEWS), 0);
    assert_int_equal(DECODE(NEWS "\xf0\x02\x00"
                                 "??"),
                     0); /* a section of a later release is skipped */
    assert_int_equal(DECODE("\x02\x05" SENDER "\x02"), ERR_VERSION);
    assert_int_equal(DECODE("\x00\x63" SENDER "\x02"), ERR_MALFORMED); /* no such kind */
    assert_int_equal(DECODE("\x00\x01" SENDER "\x02"), ERR_MALFORMED); /* a ping without sequence */
    assert_int_equal(DECODE(NEWS "\xf0\x00\x00\xf0\x00\x00"), ERR_MALFORMED); /* a section twice */
    assert_int_equal(DECODE(NEWS "\x05\x00\x00"), ERR_MALFORMED);             /* an empty list */
    assert_int_equal(DECODE(NEWS "\x03\x09\x00"
                                 "123456789"),
                     ERR_MALFORMED); /* a longer hash */
}

#define RECORD(state, host, port) "\x05\x18\x00" OTHER "\x03\x00" state host port "\x00"

static void test_bad_records_are_refused(void **state) {
    (void)state;
    assert_int_equal(DECODE(NEWS RECORD("\x00",
                                        "\x01"
                                        "h",
                                        "\x01\x01")),
                     0);
    assert_int_equal(DECODE(NEWS RECORD("\x04",
                                        "\x01"
                                        "h",
                                        "\x01\x01")),
                     ERR_MALFORMED); /* no such state */
    assert_int_equal(DECODE(NEWS RECORD("\x00",
                                        "\x01"
                                        "\n",
                                        "\x01\x01")),
                     ERR_MALFORMED); /* a host for log lines */
    assert_int_equal(DECODE(NEWS RECORD("\x00",
                                        "\x01"
                                        "h",
                                        "\x00\x00")),
                     ERR_MALFORMED); /* port 0 */
}

#define ENTRY(version, previous, flags, key, value)                                                \
    "\x06\x1b\x00" OTHER "\x03\x00\x07\x00" version previous flags key value

static void test_bad_entries_and_digests_are_refused(void **state) {
    (void)state;
    assert_int_equal(DECODE(NEWS ENTRY("\x02", "\x01", "\x00",
                                       "\x01"
                                       "k",
                                       "\x01"
                                       "v")),
                     0);
    assert_int_equal(DECODE(NEWS ENTRY("\x02", "\x02", "\x00",
                                       "\x01"
                                       "k",
                                       "\x01"
                                       "v")),
                     ERR_MALFORMED); /* no order */
    assert_int_equal(DECODE(NEWS ENTRY("\x02", "\x01", "\x02",
                                       "\x01"
                                       "k",
                                       "\x01"
                                       "v")),
                     ERR_MALFORMED); /* flags */
    assert_int_equal(DECODE(NEWS ENTRY("\x02", "\x01", "\x01",
                                       "\x01"
                                       "k",
                                       "\x01"
                                       "v")),
                     ERR_MALFORMED); /* removed, yet */
    assert_int_equal(DECODE(NEWS ENTRY("\x02", "\x01", "\x00",
                                       "\x02"
                                       "kk",
                                       "\x00")),
                     ERR_MALFORMED); /* no value */
#define DIGEST_OF(uuid) uuid "\x01\x00\x00\x00\x00"
    assert_int_equal(
        DECODE("\x00\x07" SENDER "\x02\x08\x2a\x00" DIGEST_OF(SENDER) DIGEST_OF(OTHER)), 0);
    assert_int_equal(
        DECODE("\x00\x07" SENDER "\x02\x08\x2a\x00" DIGEST_OF(OTHER) DIGEST_OF(SENDER)),
        ERR_MALFORMED);
    assert_int_equal(DECODE("\x00\x07" SENDER "\x02\x08\x2a\x00" DIGEST_OF(OTHER) DIGEST_OF(OTHER)),
                     ERR_MALFORMED);
}

/* What a datagram says of the priorities of its groups: two bits each. Who does not say has them
 * told on as state; nobody can have a key told as urgent. */
static void test_priorities_of_groups(void **state) {
    (void)state;
    static const enum gossip_priority priorities[] = {GOSSIP_REST, GOSSIP_CLUSTER, GOSSIP_STATE,
                                                      GOSSIP_REST, GOSSIP_CLUSTER};
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, sender, 2);
    codec_write_priorities(&writer, priorities, 5);
    assert_bytes(&writer, BYTES_LITERAL(NEWS "\x14\x02\x00\xe7\x01"));
    struct codec_message message;
    assert_int_equal(codec_decode(&message, buffer_bytes(&writer.buffer)), 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(codec_priority_of(&message, i), priorities[i]);
    assert_int_equal(codec_priority_of(&message, 5), GOSSIP_CLUSTER); /* 0 */
    assert_int_equal(codec_priority_of(&message, 8), GOSSIP_STATE);
    codec_writer_release(&writer);
}

/* The room is planned with these: they are what the writing takes, in each version. */
static void check_sizes(const struct codec_wire *wire) {
    struct codec_writer writer;
    codec_writer_init(&writer);
    struct codec_group group = {.uuid = "TTTTTTTTTTTTTTT", .generation = 300, .floor = 1};
    struct codec_record record = suspect;
    struct codec_entry entry = color;
    record.created_us = entry.created_us = version_1.wall_us - 1000000;
    codec_begin(&writer, wire, CODEC_NEWS, sender, 2);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    for (unsigned state = GOSSIP_ALIVE; state <= GOSSIP_LEFT; state++) {
        size_t before = writer.buffer.length;
        record.state = (enum gossip_member_state)state;
        assert_true(codec_write_record(&writer, &record));
        assert_int_equal(writer.buffer.length - before, codec_record_bytes(wire, &record));
    }
    codec_list_end(&writer);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_ENTRIES));
    size_t before = writer.buffer.length;
    assert_true(codec_group_begin(&writer, &group));
    assert_int_equal(writer.buffer.length - before, codec_group_bytes(&group));
    before = writer.buffer.length;
    assert_true(codec_write_entry(&writer, &entry));
    assert_int_equal(writer.buffer.length - before, codec_entry_bytes(wire, &entry));
    codec_group_end(&writer);
    codec_list_end(&writer);
    codec_writer_release(&writer);
}

static void test_sizes_are_what_is_written(void **state) {
    (void)state;
    check_sizes(&version_0);
    check_sizes(&version_1);
}

/* Datagrams above the MTU (chitchat #59): what does not fit is not written, and what is written
 * stays whole. */
static void test_nothing_exceeds_the_maximum(void **state) {
    (void)state;
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, sender, 2);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    size_t written = 0;
    while (codec_write_record(&writer, &suspect))
        written++;
    codec_list_end(&writer);
    assert_int_equal(written, (GOSSIP_DATAGRAM_MAXIMUM - 19 - 3) / 50);
    assert_true(writer.buffer.length <= GOSSIP_DATAGRAM_MAXIMUM);
    if (codec_list_begin(&writer, CODEC_SECTION_ENTRIES)) {
        struct codec_group group = {.uuid = "TTTTTTTTTTTTTTT", .generation = 3};
        if (codec_group_begin(&writer, &group))
            codec_group_cancel(&writer);
        codec_list_end(&writer);
    }
    struct codec_message message;
    assert_int_equal(codec_decode(&message, buffer_bytes(&writer.buffer)), 0);
    assert_int_equal(message.groups.length, 0);
    codec_writer_release(&writer);
}

/* A time before the first and one behind the last that there can be. */
static void test_impossible_times_are_refused(void **state) {
    (void)state;
#define NEWS_1       "\x01\x05" SENDER "\x02"
#define ENTRY_1(age) "\x06\x1c\x00" OTHER "\x03\x00\x08\x00\x02\x01\x00" age "\x01k\x01v"
    assert_int_equal(DECODE(NEWS_1 "\x05\0\0\0\0\0\0\0" ENTRY_1("\x09")), 0);
    assert_int_equal(DECODE(NEWS_1 "\x05\0\0\0\0\0\0\0" ENTRY_1("\x0b")), ERR_MALFORMED);
    assert_int_equal(DECODE(NEWS_1 "\x05\0\0\0\0\0\0\0" ENTRY_1("\x0d")), ERR_MALFORMED);
    assert_int_equal(DECODE(NEWS_1 "\0\0\0\0\0\0\0\x40" ENTRY_1("\x02")), ERR_MALFORMED);
    assert_int_equal(DECODE(NEWS_1 "\1\0\0\0\0\0\0\x40"), ERR_MALFORMED);
}

/* What asks for buckets, and halves of their hashes: a power of two of them. */
static void test_buckets_are_read_back(void **state) {
    (void)state;
#define ACK_0 "\x00\x02" SENDER "\x02\x01\x08\x00\1\0\0\0\0\0\0\0\x03\x08\x00\2\0\0\0\0\0\0\0"
    struct codec_message message;
    assert_int_equal(codec_decode(&message, BYTES_LITERAL(ACK_0 "\x10\x00\x00")), 0);
    assert_true(message.has_compare);
    assert_int_equal(codec_bucket_count(&message), 0);
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_ACK, sender, 2);
    codec_write_sequence(&writer, 1);
    codec_write_hash(&writer, 2);
    codec_write_buckets(&writer, (const uint32_t[]){1, 0xfffffffe}, 2);
    assert_true(bytes_equal(buffer_bytes(&writer.buffer),
                            BYTES_LITERAL(ACK_0 "\x11\x08\x00\1\0\0\0\xfe\xff\xff\xff")));
    assert_int_equal(codec_decode(&message, buffer_bytes(&writer.buffer)), 0);
    assert_int_equal(codec_bucket_count(&message), 2);
    assert_int_equal(codec_bucket_of(&message, 1), 0xfffffffe);
    codec_writer_release(&writer);
    assert_int_equal(DECODE(ACK_0 "\x10\x01\x00\0"), ERR_MALFORMED);
    assert_int_equal(DECODE(ACK_0 "\x11\x00\x00"), ERR_MALFORMED);
    assert_int_equal(DECODE(ACK_0 "\x11\x05\x00\1\0\0\0\1"), ERR_MALFORMED);
    assert_int_equal(DECODE(ACK_0 "\x11\x0c\x00\1\0\0\0\1\0\0\0\1\0\0\0"), ERR_MALFORMED);
}

RUN_TESTS(cmocka_unit_test(test_buckets_are_read_back), cmocka_unit_test(test_golden_bytes),
          cmocka_unit_test(test_ping_is_read_back), cmocka_unit_test(test_golden_bytes_1),
          cmocka_unit_test(test_times_are_read_back),
          cmocka_unit_test(test_version_0_tells_of_version_1),
          cmocka_unit_test(test_impossible_times_are_refused),
          cmocka_unit_test(test_every_truncation_is_refused),
          cmocka_unit_test(test_bad_contents_are_refused),
          cmocka_unit_test(test_bad_records_are_refused),
          cmocka_unit_test(test_bad_entries_and_digests_are_refused),
          cmocka_unit_test(test_priorities_of_groups),
          cmocka_unit_test(test_sizes_are_what_is_written),
          cmocka_unit_test(test_nothing_exceeds_the_maximum))
