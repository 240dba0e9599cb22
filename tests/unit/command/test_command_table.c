/* The table of commands: every row is found by its name and by no other, and what it says of itself
 * is whole. */
#include "unit.h"

#include "command/command.h"
#include "command/command_docs.h"
#include "wire/response.h"

enum { REPLY_BYTES_MAXIMUM = 64 * 1024 };

static struct bytes row_container(const struct command *command) {
    const char *bar = strchr(command->name, '|');
    return bytes_of(command->name, bar ? (size_t)(bar - command->name) : strlen(command->name));
}

static struct bytes row_subcommand(const struct command *command) {
    const char *bar = strchr(command->name, '|');
    return bar ? bytes_of_text(bar + 1) : BYTES_NONE;
}

/* Every row is found by its name in any case, and neither by its "container|subcommand" nor by a
 * name that is a byte longer or shorter. */
static void test_every_row_is_found(void **state) {
    (void)state;
    for (size_t at = 0; command_at(at); at++) {
        const struct command *command = command_at(at);
        char upper[64];
        size_t length = strlen(command->name);
        for (size_t letter = 0; letter <= length; letter++)
            upper[letter] = command->name[letter] >= 'a' && command->name[letter] <= 'z'
                                ? (char)(command->name[letter] - 32)
                                : command->name[letter];
        size_t container_length = row_container(command).length;
        struct bytes subcommand = row_subcommand(command);
        assert_ptr_equal(command_find(row_container(command), subcommand), command);
        assert_ptr_equal(
            command_find(bytes_of(upper, container_length),
                         bytes_of(upper + length - subcommand.length, subcommand.length)),
            command);
        assert_ptr_not_equal(command_find(bytes_of(command->name, length + 1), BYTES_NONE),
                             command);
        assert_ptr_not_equal(command_find(bytes_of(command->name, length - 1), BYTES_NONE),
                             command);
        if (subcommand.length)
            assert_null(command_find(bytes_of_text(command->name), BYTES_NONE));
    }
}

/* A row that shards run has a function; a container or a command of the session has none, but for
 * help that needs no shard. */
static void test_every_row_is_run_by_somebody(void **state) {
    (void)state;
    for (size_t at = 0; command_at(at); at++) {
        const struct command *command = command_at(at);
        bool is_ours = !(command->flags & COMMAND_SESSION) && !command_is_container(command);
        bool is_help = command->run != NULL && strstr(command->name, "|help") != NULL;
        assert_int_equal(command->run != NULL, is_ours || is_help);
        bool is_read_or_write = (command->flags & (COMMAND_READONLY | COMMAND_WRITE)) != 0;
        assert_int_equal(is_read_or_write, is_ours);
        assert_true(command->arity != 0);
        assert_true(command->first_key == 0 || command->key_step > 0);
        assert_int_equal(command->first_key != 0, command->key_specs[0] != '\0');
    }
}

/* The compact arguments of every row are told as one whole reply, in both protocols. */
static void test_every_row_tells_its_arguments(void **state) {
    (void)state;
    for (size_t at = 0; command_at(at); at++) {
        for (int protocol = 2; protocol <= 3; protocol++) {
            struct buffer out;
            buffer_init(&out, REPLY_BYTES_MAXIMUM);
            struct reply reply = {&out, protocol};
            command_reply_arguments(command_at(at), &reply);
            struct response response;
            size_t consumed;
            assert_int_equal(response_parse(buffer_bytes(&out), &response, &consumed), 1);
            assert_int_equal(consumed, out.length);
            response_release(&response);
            buffer_release(&out);
        }
    }
}

static void assert_arguments_told(const char *name, const char *subcommand, const char *expected) {
    struct buffer out;
    buffer_init(&out, REPLY_BYTES_MAXIMUM);
    struct reply reply = {&out, 2};
    command_reply_arguments(command_find(bytes_of_text(name), bytes_of_text(subcommand)), &reply);
    buffer_append_u8(&out, 0);
    for (size_t at = 0; at < out.length; at++)
        if (buffer_data(&out)[at] == '\r')
            buffer_data(&out)[at] = ' ';
        else if (buffer_data(&out)[at] == '\n')
            buffer_data(&out)[at] = ' ';
    assert_string_equal((const char *)buffer_data(&out), expected);
    buffer_release(&out);
}

/* Keys are numbered by their key spec; a choice has its words inside; a word may come before a
 * value. */
static void test_arguments_are_told_as_redis_does(void **state) {
    (void)state;
    assert_arguments_told("rename", "",
                          "*2  *6  $4  name  $3  key  $4  type  $3  key  $14  key_spec_index  :0  "
                          "*6  $4  name  $6  newkey  $4  type  $3  key  $14  key_spec_index  :1  ");
    assert_arguments_told(
        "client", "setinfo",
        "*1  *6  $4  name  $4  attr  $4  type  $5  oneof  $9  arguments  *2  "
        "*6  $4  name  $7  libname  $4  type  $6  string  $5  token  $8  LIB-NAME  "
        "*6  $4  name  $6  libver  $4  type  $6  string  $5  token  $7  LIB-VER  ");
    assert_arguments_told("command", "info",
                          "*1  *6  $4  name  $12  command-name  $4  type  $6  string  "
                          "$5  flags  *2  +optional  +multiple  ");
    assert_arguments_told(
        "mset", "",
        "*1  *8  $4  name  $9  key_value  $4  type  $5  block  $5  flags  *1  +multiple  "
        "$9  arguments  *2  *6  $4  name  $3  key  $4  type  $3  key  $14  key_spec_index  :0  "
        "*4  $4  name  $5  value  $4  type  $6  string  ");
    assert_arguments_told("dbsize", "", "*0  ");
}

static size_t keys_of(const char *name, const char *subcommand, size_t argument_count,
                      size_t positions[4]) {
    return command_keys(command_find(bytes_of_text(name), bytes_of_text(subcommand)),
                        argument_count, positions, 4);
}

/* Keys by first, last and step; no more than asked for are stored. */
static void test_keys(void **state) {
    (void)state;
    size_t positions[4] = {0};
    assert_int_equal(keys_of("get", "", 2, positions), 1);
    assert_int_equal(positions[0], 1);
    assert_int_equal(keys_of("mset", "", 7, positions), 3);
    assert_int_equal(positions[1], 3);
    assert_int_equal(positions[2], 5);
    assert_int_equal(keys_of("del", "", 10, positions), 9);
    assert_int_equal(keys_of("rename", "", 3, positions), 2);
    assert_int_equal(keys_of("copy", "", 4, positions), 2);
    assert_int_equal(keys_of("object", "encoding", 3, positions), 1);
    assert_int_equal(positions[0], 2);
    assert_int_equal(keys_of("dbsize", "", 1, positions), 0);
    assert_int_equal(keys_of("ping", "", 2, positions), 0);
}

/* The shard's own command is found by the shard, and unknown to clients. */
static void test_internal_commands_are_unknown_to_clients(void **state) {
    (void)state;
    struct bytes arguments[2] = {BYTES_LITERAL("trothdb.expire"), BYTES_LITERAL("key")};
    struct buffer out;
    buffer_init(&out, REPLY_BYTES_MAXIMUM);
    struct reply reply = {&out, 2};
    const struct command *command = NULL;
    assert_non_null(command_find(arguments[0], BYTES_NONE));
    assert_true(command_check(arguments, 2, &command, &reply) < 0);
    assert_null(command);
    static const char expected[] =
        "-ERR unknown command 'trothdb.expire', with args beginning with: 'key' \r\n";
    assert_int_equal(out.length, sizeof expected - 1);
    assert_memory_equal(buffer_data(&out), expected, sizeof expected - 1);
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(test_every_row_is_found),
          cmocka_unit_test(test_every_row_is_run_by_somebody),
          cmocka_unit_test(test_every_row_tells_its_arguments),
          cmocka_unit_test(test_arguments_are_told_as_redis_does), cmocka_unit_test(test_keys),
          cmocka_unit_test(test_internal_commands_are_unknown_to_clients))
