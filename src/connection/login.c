#include "connection/login.h"

#include "base/text/number.h"
#include "connection/redis_compatibility.h"

bool login_name_is_valid(struct bytes name, struct reply *reply) {
    if (!bytes_are_word(name)) {
        reply_error(reply,
                    "ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    if (name.length >= LOGIN_NAME_MAXIMUM) {
        reply_error_format(reply, "ERR Client names cannot be longer than %d bytes",
                           LOGIN_NAME_MAXIMUM - 1);
        return false;
    }
    return true;
}

/* ---- passwords ---- */

/* Takes as long for a wrong first byte as for a wrong last one. */
static bool is_password(struct bytes right, struct bytes given) {
    unsigned difference = given.length != right.length;
    for (size_t i = 0; i < given.length; i++)
        difference |= given.data[i] ^ (unsigned)(right.length ? right.data[i % right.length] : 0);
    return difference == 0;
}

static bool log_in(const char *password, struct bytes user, struct bytes given,
                   struct reply *reply) {
    bool is_default = bytes_equal(user, BYTES_LITERAL("default"));
    if (is_default && (password[0] == '\0' || is_password(bytes_of_text(password), given)))
        return true;
    reply_error(reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

bool login_auth(const char *password, const struct bytes *arguments, size_t count,
                struct reply *reply) {
    if (count > 3) {
        reply_error(reply, REPLY_SYNTAX);
        return false;
    }
    if (count == 2 && password[0] == '\0') {
        reply_error(
            reply,
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?");
        return false;
    }
    struct bytes user = count == 3 ? arguments[1] : BYTES_LITERAL("default");
    if (!log_in(password, user, arguments[count - 1], reply))
        return false;
    reply_ok(reply);
    return true;
}

/* ---- HELLO ---- */

static bool hello_read_protocol(struct hello *hello, struct bytes text, struct reply *reply) {
    if (!number_parse_i64(text, &hello->protocol)) {
        reply_error(reply, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    bool is_known = hello->protocol == 2 || hello->protocol == 3;
    if (!is_known)
        reply_error(reply, "NOPROTO unsupported protocol version");
    return is_known;
}

/* How many words the option takes; 0: it is refused. */
static size_t hello_take_option(struct hello *hello, const char *password,
                                const struct bytes *words, size_t count, struct reply *reply) {
    if (bytes_equal_ignoring_case(words[0], "auth") && count > 2) {
        if (!log_in(password, words[1], words[2], reply))
            return 0;
        hello->has_logged_in = true;
        return 3;
    }
    if (bytes_equal_ignoring_case(words[0], "setname") && count > 1) {
        if (!login_name_is_valid(words[1], reply))
            return 0;
        hello->has_name = true;
        hello->name = words[1];
        return 2;
    }
    reply_error_format(reply, "ERR Syntax error in HELLO option '%.*s'", BYTES_PRINT(words[0]));
    return 0;
}

bool hello_read(struct hello *hello, const char *password, bool is_authenticated,
                const struct bytes *arguments, size_t count, struct reply *reply) {
    *hello = (struct hello){0};
    if (count > 1 && !hello_read_protocol(hello, arguments[1], reply))
        return false;
    for (size_t i = 2, taken; i < count; i += taken) {
        taken = hello_take_option(hello, password, arguments + i, count - i, reply);
        if (taken == 0)
            return false;
    }
    bool is_allowed = is_authenticated || hello->has_logged_in;
    if (!is_allowed) {
        reply_error(
            reply,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO AUTH <user> <pass> option can be used to authenticate the client and "
            "select the RESP protocol version at the same time");
    }
    return is_allowed;
}

void hello_reply(const struct hello_facts *facts, struct reply *reply) {
    reply_map(reply, 7);
    reply_bulk_text(reply, "server");
    reply_bulk_text(reply, "redis");
    reply_bulk_text(reply, "version");
    reply_bulk_text(reply, REDIS_COMPATIBILITY_VERSION);
    reply_bulk_text(reply, "proto");
    reply_integer(reply, reply->protocol);
    reply_bulk_text(reply, "id");
    reply_integer(reply, (int64_t)facts->id);
    reply_bulk_text(reply, "mode");
    reply_bulk_text(reply, facts->mode);
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, facts->role);
    reply_bulk_text(reply, "modules");
    reply_array(reply, 0);
}
