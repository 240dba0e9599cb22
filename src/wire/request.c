#include "wire/request.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "wire/inline_arguments.h"
#include <stdio.h>

/* Kept between requests; whatever a huge request made the arrays grow beyond it is given back. */
enum {
    REQUEST_KEPT_ARGUMENTS = 1024,
    REQUEST_FIRST_ARGUMENTS = 16,
    REQUEST_KEPT_INLINE_BYTES = 4096
};

/* bulk_length while the next thing to read is a "$<length>" line. */
enum { REQUEST_NO_BULK = -1 };

void request_parser_init(struct request_parser *parser, const struct request_limits *limits) {
    *parser = (struct request_parser){.limits = *limits, .bulk_length = REQUEST_NO_BULK};
    buffer_init(&parser->inline_arguments, limits->inline_bytes);
}

void request_parser_release(struct request_parser *parser) {
    memory_free(parser->arguments);
    memory_free(parser->positions);
    buffer_release(&parser->inline_arguments);
    *parser = (struct request_parser){.limits = parser->limits};
}

static enum request_status request_parse_multibulk(struct request_parser *parser,
                                                   struct bytes input, size_t *consumed);
static enum request_status request_parse_inline(struct request_parser *parser, struct bytes input,
                                                size_t *consumed);
static void request_forget_last(struct request_parser *parser);

enum request_status request_parse(struct request_parser *parser, struct bytes input,
                                  size_t *consumed) {
    *consumed = 0;
    if (parser->problem[0] != '\0')
        return REQUEST_BROKEN; /* there is no way to find the next request */
    if (input.length == 0)
        return REQUEST_INCOMPLETE;
    CHECK(parser->offset <= input.length);
    if (parser->offset == 0)
        request_forget_last(parser);
    return input.data[0] == '*' ? request_parse_multibulk(parser, input, consumed)
                                : request_parse_inline(parser, input, consumed);
}

static void request_forget_last(struct request_parser *parser) {
    parser->argument_count = 0;
    parser->multibulk_left = 0;
    parser->bulk_length = REQUEST_NO_BULK;
    if (parser->argument_capacity > REQUEST_KEPT_ARGUMENTS) {
        memory_free(parser->arguments);
        memory_free(parser->positions);
        parser->arguments = NULL;
        parser->positions = NULL;
        parser->argument_capacity = 0;
    }
    if (parser->inline_arguments.capacity > REQUEST_KEPT_INLINE_BYTES)
        buffer_release(&parser->inline_arguments);
}

static void request_reserve_argument(struct request_parser *parser) {
    if (parser->argument_count < parser->argument_capacity)
        return;
    size_t capacity =
        parser->argument_capacity == 0 ? REQUEST_FIRST_ARGUMENTS : parser->argument_capacity * 2;
    parser->arguments = memory_resize(parser->arguments, capacity * sizeof *parser->arguments);
    parser->positions = memory_resize(parser->positions, capacity * sizeof *parser->positions);
    parser->argument_capacity = capacity;
}

static enum request_status request_broken(struct request_parser *parser, const char *problem) {
    snprintf(parser->problem, sizeof parser->problem, "Protocol error: %s", problem);
    return REQUEST_BROKEN;
}

/* The request is whole: `offset` bytes long. The next one begins from nothing. */
static enum request_status request_ready(struct request_parser *parser, size_t *consumed) {
    *consumed = parser->offset;
    parser->offset = 0;
    return REQUEST_READY;
}

/* ---- multibulk ---------------------------------------------------------------------------- */

/* Reads one "<type><number>\r\n" at `offset`. READY: *number is read and offset stands behind the
 * line. As Redis, the byte after '\r' is taken for '\n' without a look. `is_valid` is false where
 * the number is none: the caller knows the words for it. */
static enum request_status request_parse_count(struct request_parser *parser, struct bytes input,
                                               int64_t *number, bool *is_valid,
                                               const char *too_long) {
    const uint8_t *line = input.data + parser->offset;
    size_t left = input.length - parser->offset;
    /* The common case, a number of at most four digits, without a search. */
    int64_t value = 0;
    for (size_t i = 1; i < 6 && i + 1 < left; i++) {
        unsigned digit = (unsigned)line[i] - '0';
        if (digit <= 9 && !(value == 0 && i > 1)) {
            value = value * 10 + digit;
            continue;
        }
        if (line[i] != '\r' || i == 1)
            break;
        *number = value;
        *is_valid = true;
        parser->offset += i + 2;
        return REQUEST_READY;
    }
    size_t searched = left <= parser->limits.inline_bytes ? left : parser->limits.inline_bytes + 1;
    const uint8_t *end = searched > 0 ? memchr(line, '\r', searched) : NULL;
    if (end == NULL)
        return left > parser->limits.inline_bytes ? request_broken(parser, too_long)
                                                  : REQUEST_INCOMPLETE;
    size_t length = (size_t)(end - line);
    if (length + 2 > left)
        return REQUEST_INCOMPLETE;
    *is_valid = length > 0 && number_parse_i64(bytes_of(line + 1, length - 1), number);
    parser->offset += length + 2;
    return REQUEST_READY;
}

static enum request_status request_parse_argument_count(struct request_parser *parser,
                                                        struct bytes input) {
    int64_t count = 0;
    bool is_valid = false;
    enum request_status status =
        request_parse_count(parser, input, &count, &is_valid, "too big mbulk count string");
    if (status != REQUEST_READY)
        return status;
    if (!is_valid || count > INT32_MAX ||
        (count > 0 && (size_t)count > parser->limits.argument_count))
        return request_broken(parser, "invalid multibulk length");
    if (count > REQUEST_UNAUTHENTICATED_ARGUMENTS && parser->limits.is_unauthenticated)
        return request_broken(parser, "unauthenticated multibulk length");
    parser->multibulk_left = count > 0 ? count : 0;
    return REQUEST_READY;
}

static enum request_status request_parse_bulk_length(struct request_parser *parser,
                                                     struct bytes input) {
    size_t start = parser->offset;
    int64_t length = 0;
    bool is_valid = false;
    enum request_status status =
        request_parse_count(parser, input, &length, &is_valid, "too big bulk count string");
    if (status != REQUEST_READY)
        return status;
    if (input.data[start] != '$') {
        char problem[32];
        snprintf(problem, sizeof problem, "expected '$', got '%c'", input.data[start]);
        return request_broken(parser, problem);
    }
    if (!is_valid || length < 0 || (uint64_t)length > parser->limits.bulk_bytes)
        return request_broken(parser, "invalid bulk length");
    if (length > REQUEST_UNAUTHENTICATED_BULK_BYTES && parser->limits.is_unauthenticated)
        return request_broken(parser, "unauthenticated bulk length");
    parser->bulk_length = length;
    return REQUEST_READY;
}

/* The next argument, which may have lost its beginning to an earlier call. As Redis, the two bytes
 * behind it are skipped without a look. */
static enum request_status request_parse_argument(struct request_parser *parser,
                                                  struct bytes input) {
    if (parser->bulk_length == REQUEST_NO_BULK) {
        enum request_status status = request_parse_bulk_length(parser, input);
        if (status != REQUEST_READY)
            return status;
    }
    size_t length = (size_t)parser->bulk_length, left = input.length - parser->offset;
    if (left < 2 || left - 2 < length)
        return REQUEST_INCOMPLETE;
    request_reserve_argument(parser);
    parser->positions[parser->argument_count] = parser->offset;
    parser->arguments[parser->argument_count].length = length;
    parser->argument_count++;
    parser->offset += length + 2;
    parser->bulk_length = REQUEST_NO_BULK;
    parser->multibulk_left--;
    return REQUEST_READY;
}

static enum request_status request_parse_multibulk(struct request_parser *parser,
                                                   struct bytes input, size_t *consumed) {
    if (parser->offset == 0) {
        enum request_status status = request_parse_argument_count(parser, input);
        if (status != REQUEST_READY)
            return status;
    }
    while (parser->multibulk_left > 0) {
        enum request_status status = request_parse_argument(parser, input);
        if (status != REQUEST_READY)
            return status;
    }
    /* Only now: between calls the input may have moved. */
    for (size_t i = 0; i < parser->argument_count; i++)
        parser->arguments[i].data = input.data + parser->positions[i];
    return request_ready(parser, consumed);
}

/* ---- inline ------------------------------------------------------------------------------- */

static bool request_add_inline_argument(void *context, size_t position, size_t length) {
    struct request_parser *parser = context;
    request_reserve_argument(parser);
    parser->positions[parser->argument_count] = position;
    parser->arguments[parser->argument_count].length = length;
    parser->argument_count++;
    return parser->argument_count <= parser->limits.argument_count;
}

/* A web page can have a browser send a form to this port, and its body would be commands. What
 * every such request has in its head before the body, POST and Host, ends the connection. */
static bool request_is_http(const struct request_parser *parser, const struct buffer *unquoted) {
    if (parser->argument_count == 0 || parser->arguments[0].length == 0)
        return false;
    struct bytes first =
        bytes_of(buffer_data(unquoted) + parser->positions[0], parser->arguments[0].length);
    return bytes_equal_ignoring_case(first, "post") || bytes_equal_ignoring_case(first, "host:");
}

static enum request_status request_parse_inline(struct request_parser *parser, struct bytes input,
                                                size_t *consumed) {
    size_t searched = input.length <= parser->limits.inline_bytes ? input.length
                                                                  : parser->limits.inline_bytes + 1;
    const uint8_t *end = searched > parser->offset
                             ? memchr(input.data + parser->offset, '\n', searched - parser->offset)
                             : NULL;
    if (end == NULL) {
        parser->offset = searched; /* searched in vain: not again */
        return input.length > parser->limits.inline_bytes
                   ? request_broken(parser, "too big inline request")
                   : REQUEST_INCOMPLETE;
    }
    size_t length = (size_t)(end - input.data);
    parser->offset = length + 1;
    if (length > 0 && input.data[length - 1] == '\r')
        length--;
    struct buffer *unquoted = &parser->inline_arguments;
    unquoted->maximum_bytes = parser->limits.inline_bytes; /* limits may change between requests */
    buffer_clear(unquoted);
    if (!inline_arguments_split(bytes_of(input.data, length), unquoted, request_add_inline_argument,
                                parser))
        return request_broken(parser, parser->argument_count > parser->limits.argument_count
                                          ? "too many arguments in request"
                                          : "unbalanced quotes in request");
    if (request_is_http(parser, unquoted))
        return request_broken(parser, "this is HTTP; the port speaks the Redis protocol");
    CHECK(!unquoted->is_overflowed); /* unquoting never makes a line longer */
    /* Where all arguments are empty there is no memory to point to; any address will do. */
    const uint8_t *base = unquoted->length > 0 ? buffer_data(unquoted) : input.data;
    for (size_t i = 0; i < parser->argument_count; i++)
        parser->arguments[i].data = base + parser->positions[i];
    return request_ready(parser, consumed);
}

/* ---- a glance ----------------------------------------------------------------------------- */

/* "<type><number>\r\n", with a number of one to four digits. */
static bool request_glance_count(struct cursor *in, char type, size_t *number) {
    size_t digits = 0, left = cursor_left(in);
    *number = 0;
    if (left == 0 || in->at[0] != (uint8_t)type)
        return false;
    for (; digits < 4 && digits + 1 < left; digits++) {
        unsigned digit = (unsigned)in->at[1 + digits] - '0';
        if (digit > 9)
            break;
        *number = *number * 10 + digit;
    }
    return digits > 0 && cursor_take(in, 1 + digits + 2);
}

size_t request_glance(struct bytes input, struct bytes first_two[2]) {
    struct cursor in = cursor_of(input);
    size_t count, length;
    if (!request_glance_count(&in, '*', &count) || count < 2 || count > REQUEST_GLANCE_ARGUMENTS)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!request_glance_count(&in, '$', &length))
            return 0;
        struct bytes argument = cursor_bytes(&in, length);
        cursor_bytes(&in, 2);
        if (i < 2)
            first_two[i] = argument;
    }
    return in.is_failed ? 0 : input.length - cursor_left(&in);
}

/* ---- encoding ----------------------------------------------------------------------------- */

static void request_encode_head(struct buffer *out, char type, size_t number) {
    char head[1 + NUMBER_I64_TEXT_BYTES + 2] = {type};
    size_t length = 1 + number_format_i64(head + 1, (int64_t)number);
    memcpy(head + length, "\r\n", 2);
    buffer_append(out, head, length + 2);
}

void request_encode(struct buffer *out, const struct bytes *arguments, size_t count) {
    request_encode_head(out, '*', count);
    for (size_t i = 0; i < count; i++) {
        request_encode_head(out, '$', arguments[i].length);
        buffer_append_bytes(out, arguments[i]);
        buffer_append(out, "\r\n", 2);
    }
}
