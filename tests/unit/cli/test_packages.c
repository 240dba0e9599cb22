/* The demo's input: stanzas become rows with all their fields; the digest sees any change, and no
 * order. */
#include "cli/demo/packages.h"

#include "base/memory.h"

#include "../unit.h"

static void load(struct packages *packages, const char *text, size_t maximum_count) {
    packages_parse(packages, memory_copy_text(text), strlen(text), maximum_count);
}

static void assert_bytes(struct bytes bytes, const char *expected) {
    assert_int_equal(bytes.length, strlen(expected));
    assert_memory_equal(bytes.data, expected, bytes.length);
}

static void a_stanza_is_a_row_with_its_fields(void **state) {
    (void)state;
    struct packages packages;
    struct bytes arguments[PACKAGE_ARGUMENT_MAXIMUM];
    load(&packages,
         "Package: bash\nVersion: 5.2\nDepends: base-files,\n debianutils\nEmpty:\n\n\n"
         "Package: c\nHomepage: http://x.org/\nHomepage: again",
         0);
    assert_int_equal(packages.count, 2);
    assert_int_equal(package_command(&packages.rows[0], arguments), 10);
    assert_bytes(arguments[0], "HSET");
    assert_bytes(arguments[1], "package:bash");
    assert_bytes(arguments[2], "Package");
    assert_bytes(arguments[3], "bash");
    assert_bytes(arguments[6], "Depends");
    assert_bytes(arguments[7], "base-files,\n debianutils");
    assert_bytes(arguments[8], "Empty");
    assert_bytes(arguments[9], "");
    assert_int_equal(package_command(&packages.rows[1], arguments), 6);
    assert_bytes(arguments[5], "http://x.org/");
    packages_release(&packages);
}

static void the_same_name_twice_is_two_keys(void **state) {
    (void)state;
    struct packages packages;
    load(
        &packages,
        "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: a\nVersion: 2\nArchitecture: all\n\n"
        "Package: a\nVersion: 2\nArchitecture: all\n\nVersion: 3\n",
        0);
    assert_int_equal(packages.count, 2);
    assert_bytes(packages.rows[0].key, "package:a");
    assert_bytes(packages.rows[1].key, "package:a:2:all");
    packages_release(&packages);
}

static void no_more_rows_than_wanted_and_none_of_nothing(void **state) {
    (void)state;
    struct packages packages;
    load(&packages, "Package: a\n\nPackage: b\n\nPackage: c\n", 2);
    assert_int_equal(packages.count, 2);
    packages_release(&packages);
    load(&packages, "\n\n\n", 0);
    assert_int_equal(packages.count, 0);
    packages_release(&packages);
    load(&packages, "Package", 0);
    assert_int_equal(packages.count, 0);
    packages_release(&packages);
}

static void a_stanza_has_a_bounded_number_of_fields(void **state) {
    (void)state;
    struct packages packages;
    struct bytes arguments[PACKAGE_ARGUMENT_MAXIMUM];
    char text[4096] = "Package: a\n";
    for (unsigned i = 0; i < 2 * PACKAGE_FIELD_MAXIMUM; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "F%u: v\n", i);
    load(&packages, text, 0);
    assert_int_equal(package_command(&packages.rows[0], arguments), PACKAGE_ARGUMENT_MAXIMUM);
    packages_release(&packages);
}

#define FIELDS(...)                                                                                \
    (const struct bytes[]){__VA_ARGS__},                                                           \
        sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes)
#define B(text) BYTES_LITERAL(text)
static void the_digest_sees_any_change_but_no_order(void **state) {
    (void)state;
    uint64_t digest = package_digest(FIELDS(B("a"), B("1"), B("b"), B("2")));
    assert_true(digest == package_digest(FIELDS(B("b"), B("2"), B("a"), B("1"))));
    assert_true(digest != package_digest(FIELDS(B("a"), B("2"), B("b"), B("1"))));
    assert_true(digest != package_digest(FIELDS(B("a"), B("1"))));
    assert_true(digest != package_digest(FIELDS(B("a"), B("1"), B("b"), B("2"), B("c"), B(""))));
    assert_true(digest != package_digest(FIELDS(B("a"), B("1"), B("b"), B("3"))));
}

RUN_TESTS(cmocka_unit_test(a_stanza_is_a_row_with_its_fields),
          cmocka_unit_test(the_same_name_twice_is_two_keys),
          cmocka_unit_test(no_more_rows_than_wanted_and_none_of_nothing),
          cmocka_unit_test(a_stanza_has_a_bounded_number_of_fields),
          cmocka_unit_test(the_digest_sees_any_change_but_no_order))
