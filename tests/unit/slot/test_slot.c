/* Slots: keys fall into those of Redis, and sets of them behave as arrays of flags. */
#include "../unit.h"
#include "base/error.h"
#include "base/random.h"
#include "slot/slot.h"

/* One line of the vectors: "slot key-in-hex # text"; false for a comment. */
static bool read_vector(const char *line, unsigned *slot, uint8_t *key, size_t *length) {
    char hex[1024];
    if (sscanf(line, "%u %1023s", slot, hex) != 2)
        return false;
    *length = 0;
    if (strcmp(hex, "-") == 0)
        return true;
    for (const char *at = hex; at[0] && at[1]; at += 2) {
        unsigned byte;
        assert_int_equal(sscanf(at, "%2x", &byte), 1);
        key[(*length)++] = (uint8_t)byte;
    }
    return true;
}

static void test_keys_have_the_slots_of_the_vectors(void **state) {
    (void)state;
    FILE *file = fopen(SLOT_VECTORS, "r");
    assert_non_null(file);
    char line[2048];
    unsigned vector_count = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned slot;
        uint8_t key[512];
        size_t length;
        if (!read_vector(line, &slot, key, &length))
            continue;
        if (slot_of_key(bytes_of(key, length)) != slot)
            fail_msg("slot %u, but expected: %s", slot_of_key(bytes_of(key, length)), line);
        vector_count++;
    }
    fclose(file);
    assert_in_range(vector_count, 20, 1000);
}

/* Eight bytes a step or one, the remainder is what dividing bit by bit leaves. */
static void test_crc16_is_the_remainder(void **state) {
    (void)state;
    uint8_t key[64];
    for (size_t length = 0; length <= sizeof key; length++) {
        uint16_t crc = 0;
        for (size_t i = 0; i < length; i++) {
            key[i] = (uint8_t)(i * 167 + length * 59 + 3);
            crc ^= (uint16_t)(key[i] << 8);
            for (unsigned bit = 0; bit < 8; bit++)
                crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
        }
        assert_int_equal(slot_crc16(bytes_of(key, length)), crc);
    }
}

static void test_crc16_has_its_known_values(void **state) {
    (void)state;
    assert_int_equal(slot_crc16(BYTES_LITERAL("123456789")), 0x31c3);
    assert_int_equal(slot_of_key(BYTES_LITERAL("123456789")), 12739);
    assert_int_equal(slot_of_key(BYTES_LITERAL("foo")), 12182);
    assert_int_equal(slot_of_key(BYTES_LITERAL("{user1000}.following")),
                     slot_of_key(BYTES_LITERAL("{user1000}.followers")));
}

static void fill(struct slot_set *set, bool model[SLOT_COUNT], struct random *random) {
    slot_set_clear(set);
    memset(model, 0, SLOT_COUNT * sizeof *model);
    for (uint64_t i = random_below(random, 40); i > 0; i--) {
        unsigned first = (unsigned)random_below(random, SLOT_COUNT);
        unsigned last = first + (unsigned)random_below(random, 200);
        bool is_added = random_chance(random, 0.8);
        for (unsigned slot = first; slot <= last && slot < SLOT_COUNT; slot++) {
            model[slot] = is_added;
            (is_added ? slot_set_add : slot_set_remove)(set, (slot_number)slot);
        }
    }
}

static void assert_ranges(const struct slot_set *set, const bool model[SLOT_COUNT]) {
    unsigned next = 0, slot = 0, count = 0;
    slot_number first, last;
    while (slot_set_range(set, &next, &first, &last)) {
        for (; slot < first; slot++)
            assert_false(model[slot]);
        for (; slot <= last; slot++, count++)
            assert_true(model[slot] && slot_set_has(set, (slot_number)slot));
        assert_true(slot == SLOT_COUNT || !model[slot]);
    }
    for (; slot < SLOT_COUNT; slot++)
        assert_false(model[slot]);
    assert_int_equal(slot_set_count(set), count);
}

/* Sets made by lot walk as their ranges, and come back from their encoding. */
static void test_a_set_behaves_like_an_array_of_flags(void **state) {
    (void)state;
    static bool model[SLOT_COUNT];
    static struct slot_set set, decoded;
    struct random random;
    random_init(&random, 1);
    for (int round = 0; round < 300; round++) {
        fill(&set, model, &random);
        assert_ranges(&set, model);
        struct buffer buffer;
        buffer_init(&buffer, 1 << 20);
        slot_set_encode(&set, &buffer);
        struct cursor cursor = cursor_of(buffer_bytes(&buffer));
        assert_int_equal(slot_set_decode(&decoded, &cursor), 0);
        assert_int_equal(cursor_finish(&cursor), 0);
        assert_memory_equal(&decoded, &set, sizeof set);
        buffer_release(&buffer);
    }
}

static int decode(const void *data, size_t length) {
    static struct slot_set set;
    struct cursor cursor = cursor_of(bytes_of(data, length));
    int code = slot_set_decode(&set, &cursor);
    return code ? code : cursor_finish(&cursor);
}

static void test_the_encoding_is_golden_and_only_one(void **state) {
    (void)state;
    struct slot_set set;
    slot_set_clear(&set);
    slot_set_add(&set, 0);
    slot_set_add(&set, 5);
    slot_set_add(&set, 6);
    slot_set_add(&set, 16383);
    static const uint8_t golden[] = {3, 0, 0, 0, 0, 5, 0, 6, 0, 0xff, 0x3f, 0xff, 0x3f};
    struct buffer buffer;
    buffer_init(&buffer, 64);
    slot_set_encode(&set, &buffer);
    assert_int_equal(buffer.length, sizeof golden);
    assert_memory_equal(buffer_data(&buffer), golden, sizeof golden);
    buffer_release(&buffer);

    assert_int_equal(decode(golden, sizeof golden), 0);
    assert_int_equal(decode(golden, sizeof golden - 1), ERR_MALFORMED);
    assert_int_equal(decode("\x01\x05\x00\x04\x00", 5), ERR_MALFORMED); /* backwards */
    assert_int_equal(decode("\x01\x00\x00\x00\x40", 5), ERR_MALFORMED); /* beyond 16383 */
    assert_int_equal(decode("\x02\x00\x00\x05\x00\x05\x00\x06\x00", 9),
                     ERR_MALFORMED); /* overlap */
    assert_int_equal(decode("\x02\x00\x00\x05\x00\x06\x00\x07\x00", 9), ERR_MALFORMED); /* touch */
    assert_int_equal(decode("\x02\x09\x00\x09\x00\x06\x00\x07\x00", 9),
                     ERR_MALFORMED); /* disorder */
    assert_int_equal(decode("\x00", 1), 0);
    assert_int_equal(decode("", 0), ERR_MALFORMED);
    assert_int_equal(decode("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10), ERR_MALFORMED);
}

static void test_a_set_is_told_in_ranges(void **state) {
    (void)state;
    struct slot_set set;
    struct buffer text;
    buffer_init(&text, 64);
    slot_set_clear(&set);
    slot_set_append_text(&set, &text);
    assert_int_equal(text.length, 0);
    static const slot_number slots[] = {0, 1, 2, 5, 7, 8, 16383};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        slot_set_add(&set, slots[i]);
    slot_set_append_text(&set, &text);
    assert_true(bytes_equal(buffer_bytes(&text), BYTES_LITERAL("0-2,5,7-8,16383")));
    buffer_release(&text);
}

RUN_TESTS(cmocka_unit_test(test_keys_have_the_slots_of_the_vectors),
          cmocka_unit_test(test_crc16_has_its_known_values),
          cmocka_unit_test(test_crc16_is_the_remainder),
          cmocka_unit_test(test_a_set_behaves_like_an_array_of_flags),
          cmocka_unit_test(test_a_set_is_told_in_ranges),
          cmocka_unit_test(test_the_encoding_is_golden_and_only_one))
