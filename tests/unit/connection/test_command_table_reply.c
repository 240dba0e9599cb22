/* COMMAND: the shapes of Redis 7.0 as golden bytes, and what is asked wrongly. */
#include "../unit.h"
#include "connection/command_table_reply.h"
#include "wire/response.h"

enum { OUT_MAXIMUM_BYTES = 1024 * 1024, ARGUMENTS_MAXIMUM = 16 };

static command_filter *is_told = command_is_any;

/* Runs a line of words, appends the reply to `out`. */
static void run(const char *line, int protocol, struct buffer *out) {
    struct bytes arguments[ARGUMENTS_MAXIMUM];
    size_t count = 0;
    while (*line != '\0') {
        size_t length = strcspn(line, " ");
        arguments[count++] = bytes_of(line, length);
        line += length + (line[length] == ' ');
    }
    struct reply reply = {.out = out, .protocol = protocol};
    command_table_reply(is_told, arguments, count, &reply);
}

static void expect(const char *line, int protocol, const char *expected) {
    struct buffer out;
    buffer_init(&out, OUT_MAXIMUM_BYTES);
    run(line, protocol, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out), expected);
    buffer_release(&out);
}

/* The reply as a tree; `out` holds its bytes. */
static struct response run_to_tree(const char *line, struct buffer *out) {
    buffer_init(out, OUT_MAXIMUM_BYTES);
    run(line, 3, out);
    struct response response;
    size_t consumed;
    assert_int_equal(response_parse(buffer_bytes(out), &response, &consumed), 1);
    assert_int_equal(consumed, out->length);
    return response;
}

static void test_info(void **state) {
    (void)state;
    expect("COMMAND INFO hget nosuch", 2,
           "*2\r\n*10\r\n$4\r\nhget\r\n:3\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
           "*3\r\n+@read\r\n+@hash\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n"
           "+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n"
           "*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n"
           "$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n"
           "*0\r\n$-1\r\n");
    expect(
        "command info CONFIG|SET", 3,
        "*1\r\n*10\r\n$10\r\nconfig|set\r\n:-4\r\n~4\r\n+admin\r\n+noscript\r\n+loading\r\n"
        "+stale\r\n:0\r\n:0\r\n:0\r\n~3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n~2\r\n"
        "$24\r\nrequest_policy:all_nodes\r\n$29\r\nresponse_policy:all_succeeded\r\n~0\r\n~0\r\n");
    expect("COMMAND INFO object| |encoding hset|x", 2, "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
}

static void test_docs(void **state) {
    (void)state;
    expect("COMMAND DOCS hlen nosuch", 3,
           "%1\r\n$4\r\nhlen\r\n%5\r\n$7\r\nsummary\r\n$26\r\nHow many fields a hash has\r\n"
           "$5\r\nsince\r\n$5\r\n2.0.0\r\n$5\r\ngroup\r\n$4\r\nhash\r\n$10\r\ncomplexity\r\n"
           "$4\r\nO(1)\r\n$9\r\narguments\r\n*1\r\n%3\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n"
           "$3\r\nkey\r\n$14\r\nkey_spec_index\r\n:0\r\n");
    expect("COMMAND DOCS nosuch", 2, "*0\r\n");
}

static void test_list(void **state) {
    (void)state;
    expect("COMMAND LIST FILTERBY PATTERN HK*", 2, "*1\r\n$5\r\nhkeys\r\n");
    expect("COMMAND LIST filterby PATTERN object|E*", 2, "*1\r\n$15\r\nobject|encoding\r\n");
    expect("COMMAND LIST FILTERBY MODULE any", 3, "*0\r\n");
    expect("COMMAND LIST FILTERBY ACLCAT @hash", 2, "*0\r\n");
    expect("COMMAND LIST FILTERBY", 2, "-ERR syntax error\r\n");
    expect("COMMAND LIST FILTERBY NOSUCH x", 2, "-ERR syntax error\r\n");
    struct buffer out;
    struct response response = run_to_tree("COMMAND LIST FILTERBY ACLCAT HASH", &out);
    assert_int_equal(response.element_count, 16);
    response_release(&response);
    buffer_release(&out);
}

/* "Try COMMAND HELP" is no empty promise. */
static void test_help(void **state) {
    (void)state;
    struct buffer out;
    struct response help = run_to_tree("COMMAND HELP", &out);
    assert_true(help.element_count > 4);
    assert_memory_equal(help.elements[0].text.data, "COMMAND <subcommand>", 20);
    response_release(&help);
    buffer_release(&out);
}

static void test_getkeys(void **state) {
    (void)state;
    expect("COMMAND GETKEYS MSET a 1 b 2", 2, "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    expect("COMMAND GETKEYS OBJECT ENCODING x", 2, "*1\r\n$1\r\nx\r\n");
    expect("COMMAND GETKEYS OBJECT nosuch x", 2, "-ERR Invalid command specified\r\n");
    expect("COMMAND GETKEYS NOSUCH x", 2, "-ERR Invalid command specified\r\n");
    expect("COMMAND GETKEYS PING x", 2, "-ERR The command has no key arguments\r\n");
    expect("COMMAND GETKEYS GET a b", 2,
           "-ERR Invalid number of arguments specified for command\r\n");
}

/* COUNT counts what COMMAND and COMMAND DOCS tell, each reply is one whole tree, and no internal
 * command is told. */
static void test_all_agree(void **state) {
    (void)state;
    struct buffer out[3];
    struct response count = run_to_tree("COMMAND COUNT", &out[0]);
    struct response all = run_to_tree("COMMAND", &out[1]);
    struct response docs = run_to_tree("COMMAND DOCS", &out[2]);
    assert_int_equal(all.element_count, count.integer);
    assert_int_equal(docs.element_count, 2 * count.integer);
    for (size_t i = 0; i < all.element_count; i++) {
        struct bytes name = all.elements[i].elements[0].text;
        assert_true(bytes_equal(name, docs.elements[2 * i].text));
        assert_false(command_find(name, BYTES_NONE)->flags & COMMAND_INTERNAL);
    }
    response_release(&count);
    response_release(&all);
    response_release(&docs);
    for (int i = 0; i < 3; i++)
        buffer_release(&out[i]);
}

static bool is_of_config_get(const struct command *command) {
    return strcmp(command->name, "config") == 0 || strcmp(command->name, "config|get") == 0 ||
           strcmp(command->name, "ping") == 0;
}

/* Where there are fewer commands, as on an agent, no form of COMMAND tells of the others. */
static void test_others_are_not_told(void **state) {
    (void)state;
    is_told = is_of_config_get;
    expect("COMMAND COUNT", 2, ":2\r\n");
    expect("COMMAND LIST", 2, "*3\r\n$4\r\nping\r\n$6\r\nconfig\r\n$10\r\nconfig|get\r\n");
    expect("COMMAND INFO get config|set", 2, "*2\r\n$-1\r\n$-1\r\n");
    expect("COMMAND DOCS get config|set", 2, "*0\r\n");
    expect("COMMAND GETKEYS GET a", 2, "-ERR Invalid command specified\r\n");
    struct buffer out;
    struct response all = run_to_tree("COMMAND", &out);
    assert_int_equal(all.element_count, 2);
    assert_int_equal(all.elements[1].elements[9].element_count, 1); /* config's subcommands */
    response_release(&all);
    buffer_release(&out);
    is_told = command_is_any;
}

RUN_TESTS(cmocka_unit_test(test_info), cmocka_unit_test(test_docs), cmocka_unit_test(test_list),
          cmocka_unit_test(test_getkeys), cmocka_unit_test(test_help),
          cmocka_unit_test(test_all_agree), cmocka_unit_test(test_others_are_not_told))
