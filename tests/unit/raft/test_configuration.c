/* Configurations: their bytes, and which one is in force while entries come and go. */
#include "../unit.h"

#include "raft/parts/configuration_marks.h"

static void test_golden(void **state) {
    (void)state;
    static const uint8_t golden[] = {3, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, /* voters */
                                     1, 0, 1, 0, 0,                         /* old voter 256 */
                                     0};                                    /* no learner */
    struct raft_configuration configuration = {
        .voter_count = 3, .voters = {1, 2, 3}, .old_voter_count = 1, .old_voters = {256}};
    struct buffer out;
    buffer_init(&out, 1024);
    raft_configuration_encode(&configuration, &out);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of(golden, sizeof golden)));
    struct raft_configuration decoded;
    assert_int_equal(raft_configuration_decode(&decoded, buffer_bytes(&out)), 0);
    assert_memory_equal(&decoded, &configuration, sizeof decoded);
    for (size_t length = 0; length < sizeof golden; length++)
        assert_int_equal(raft_configuration_decode(&decoded, bytes_of(golden, length)),
                         ERR_MALFORMED);
    buffer_release(&out);
}

/* The number of a wish stands behind the lists, and only where there is one. */
static void test_wish(void **state) {
    (void)state;
    static const uint8_t golden[] = {1, 7, 0, 0, 0, 0, 0, 0x08, 0x07, 0, 0, 0, 0, 0, 0};
    struct raft_configuration configuration = {.voter_count = 1, .voters = {7}, .wish = 0x0708};
    struct raft_configuration decoded;
    struct buffer out;
    buffer_init(&out, 1024);
    raft_configuration_encode(&configuration, &out);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of(golden, sizeof golden)));
    assert_int_equal(raft_configuration_decode(&decoded, buffer_bytes(&out)), 0);
    assert_memory_equal(&decoded, &configuration, sizeof decoded);
    static const uint8_t zero[] = {1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(zero, sizeof zero)),
                     ERR_MALFORMED);
    buffer_release(&out);
}

static void test_refused(void **state) {
    (void)state;
    static const uint8_t twice[] = {2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    static const uint8_t nobody[] = {1, 0, 0, 0, 0, 0, 0};
    static const uint8_t longer[] = {0, 0, 0, 0};
    static const uint8_t missing[] = {RAFT_VOTER_MAXIMUM + 1, 0, 0};
    uint8_t many[3 + 17 * 4] = {17};
    for (unsigned i = 0; i < 17; i++)
        many[1 + 4 * i] = (uint8_t)(i + 1);
    struct raft_configuration decoded;
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(twice, sizeof twice)),
                     ERR_MALFORMED);
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(nobody, sizeof nobody)),
                     ERR_MALFORMED);
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(longer, sizeof longer)),
                     ERR_MALFORMED);
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(missing, sizeof missing)),
                     ERR_MALFORMED);
    assert_int_equal(raft_configuration_decode(&decoded, bytes_of(many, sizeof many)),
                     ERR_MALFORMED);
}

static struct raft_configuration sole(raft_node_number node) {
    return (struct raft_configuration){.voter_count = 1, .voters = {node}};
}

static raft_node_number voter_at(const struct raft_configuration_marks *marks, raft_index index) {
    return raft_configuration_marks_at(marks, index)->voters[0];
}

static void test_marks(void **state) {
    (void)state;
    struct raft_configuration_marks marks;
    struct raft_configuration first = sole(1), second = sole(2), third = sole(3);
    raft_configuration_marks_init(&marks, 10, &first);
    raft_configuration_marks_push(&marks, 17, &second);
    raft_configuration_marks_push(&marks, 40, &third);
    assert_int_equal(voter_at(&marks, 10), 1);
    assert_int_equal(voter_at(&marks, 16), 1);
    assert_int_equal(voter_at(&marks, 17), 2);
    assert_int_equal(voter_at(&marks, 39), 2);
    assert_int_equal(voter_at(&marks, 40), 3);
    raft_configuration_marks_truncate(&marks, 40); /* a truncation takes it back */
    assert_int_equal(raft_configuration_marks_newest(&marks)->voters[0], 2);
    raft_configuration_marks_compact(&marks, 16);
    assert_int_equal(voter_at(&marks, 16), 1);
    raft_configuration_marks_compact(&marks, 17);
    assert_int_equal(marks.count, 1);
    assert_int_equal(voter_at(&marks, 17), 2);
    raft_configuration_marks_reset(&marks, 90, &third);
    assert_int_equal(marks.count, 1);
    assert_int_equal(voter_at(&marks, 90), 3);
    raft_configuration_marks_release(&marks);
}

static void member_note(void *context, raft_node_number node) {
    char *text = context;
    sprintf(text + strlen(text), "%u ", node);
}

static void test_members(void **state) {
    (void)state;
    struct raft_configuration configuration = {.voter_count = 2,
                                               .voters = {1, 2},
                                               .old_voter_count = 2,
                                               .old_voters = {2, 3},
                                               .learner_count = 2,
                                               .learners = {4, 3}};
    char text[64] = "";
    raft_configuration_each_member(&configuration, member_note, text);
    assert_string_equal(text, "1 2 3 4 ");
    assert_true(raft_configuration_has_voter(&configuration, 3));
    assert_false(raft_configuration_has_voter(&configuration, 4));
    assert_false(raft_configuration_is_sole_voter(&configuration, 1));
    struct raft_configuration alone = sole(5);
    assert_true(raft_configuration_is_sole_voter(&alone, 5));
    assert_false(raft_configuration_is_sole_voter(&alone, 4));
}

RUN_TESTS(cmocka_unit_test(test_golden), cmocka_unit_test(test_wish),
          cmocka_unit_test(test_refused), cmocka_unit_test(test_marks),
          cmocka_unit_test(test_members))
