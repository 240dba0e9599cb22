/* The helpers over the doors: addresses as text. */
#include "../unit.h"
#include "io/net.h"

static void expect_address(const char *text, const char *host, unsigned port, const char *back) {
    struct net_address address;
    assert_int_equal(net_address_parse(&address, bytes_of_text(text)), 0);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
    char out[NET_HOST_MAXIMUM + 10];
    net_address_format(&address, out);
    assert_string_equal(out, back);
}

static void test_addresses_have_one_form(void **state) {
    (void)state;
    expect_address("127.0.0.1:7001", "127.0.0.1", 7001, "127.0.0.1:7001");
    expect_address("[::1]:65535", "::1", 65535, "[::1]:65535");
    expect_address("[0:0:0:0:0:0:0:1]:1", "::1", 1, "[::1]:1");
    expect_address("[FE80::A]:7", "fe80::a", 7, "[fe80::a]:7");
}

static void test_refuses_what_is_no_address(void **state) {
    (void)state;
    const char *const bad[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+7",
        "127.0.0.1:07",
        "127.0.0.1:7 ",
        "127.0.0.256:7",
        "::1:7",
        "[::1]7",
        "[::1:7",
        "[127.0.0.1]:7",
        "[]:7",
        "name:7",
        "1111111111111111111111111111111111111111111111111111111111111111:7"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net_address address;
        assert_int_equal(net_address_parse(&address, bytes_of_text(bad[i])), ERR_INVALID);
    }
    struct net_address address;
    assert_int_equal(net_address_parse(&address, BYTES_LITERAL("127.0.0.1\0:7")), ERR_INVALID);
}

static void test_names_are_taken_apart(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", ":", ":7", "name", "name:", "name:0", "name:x", "a b:7", "name:65536", "name:7:"};
    struct net_name name;
    assert_int_equal(net_name_parse(&name, BYTES_LITERAL("node-1.example:17001")), 0);
    assert_string_equal(name.host, "node-1.example");
    assert_int_equal(name.port, 17001);
    assert_int_equal(net_name_parse(&name, BYTES_LITERAL("a:b:7")), 0);
    assert_string_equal(name.host, "a:b");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(net_name_parse(&name, bytes_of_text(bad[i])), ERR_INVALID);
    assert_int_equal(net_name_parse(&name, BYTES_LITERAL("na\0me:7")), ERR_INVALID);
}

static void test_the_longest_name_fits(void **state) {
    (void)state;
    char text[NET_NAME_MAXIMUM + 3];
    struct net_name name;
    memset(text, 'n', sizeof text);
    memcpy(text + NET_NAME_MAXIMUM - 1, ":7", 3);
    assert_int_equal(net_name_parse(&name, bytes_of_text(text)), 0);
    assert_int_equal(strlen(name.host), NET_NAME_MAXIMUM - 1);
    text[NET_NAME_MAXIMUM - 1] = 'n';
    memcpy(text + NET_NAME_MAXIMUM, ":7", 3);
    assert_int_equal(net_name_parse(&name, bytes_of_text(text)), ERR_INVALID);
}

static void test_addresses_compare(void **state) {
    (void)state;
    struct net_address a, b, c;
    assert_int_equal(net_address_parse(&a, BYTES_LITERAL("[::1]:7")), 0);
    assert_int_equal(net_address_parse(&b, BYTES_LITERAL("[0::1]:7")), 0);
    assert_int_equal(net_address_parse(&c, BYTES_LITERAL("[::1]:8")), 0);
    assert_true(net_address_equal(&a, &b));
    assert_false(net_address_equal(&a, &c));
}

RUN_TESTS(cmocka_unit_test(test_addresses_have_one_form),
          cmocka_unit_test(test_refuses_what_is_no_address),
          cmocka_unit_test(test_names_are_taken_apart),
          cmocka_unit_test(test_the_longest_name_fits), cmocka_unit_test(test_addresses_compare))
