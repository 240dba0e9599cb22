#include "admin/http_request.h"

/* The next line without its end, which may be a bare LF (RFC 9112, 2.2). */
static struct bytes next_line(struct bytes *head) {
    struct bytes line = bytes_take_until(head, '\n');
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* The length up to and with the empty line, or 0. */
static size_t head_length(struct bytes input) {
    for (size_t i = 0; i < input.length; i++) {
        if (input.data[i] != '\n')
            continue;
        size_t next = i + 1 < input.length && input.data[i + 1] == '\r' ? i + 2 : i + 1;
        if (next < input.length && input.data[next] == '\n')
            return next + 1;
    }
    return 0;
}

static bool is_printable(struct bytes text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return false;
    return text.length > 0;
}

static int parse_request_line(struct bytes line, struct http_request *request) {
    request->method = bytes_take_until(&line, ' ');
    struct bytes target = bytes_take_until(&line, ' ');
    if (!is_printable(request->method) || !is_printable(target) || target.data[0] != '/')
        return ERR_MALFORMED;
    request->is_head = bytes_equal(request->method, BYTES_LITERAL("HEAD"));
    request->path = bytes_take_until(&target, '?');
    request->query = target;
    request->keeps_alive = bytes_equal(line, BYTES_LITERAL("HTTP/1.1"));
    if (request->keeps_alive || bytes_equal(line, BYTES_LITERAL("HTTP/1.0")))
        return 0;
    return line.length > 5 && memcmp(line.data, "HTTP/", 5) == 0 ? ERR_VERSION : ERR_MALFORMED;
}

static struct bytes trim(struct bytes text) {
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_of(text.data + 1, text.length - 1);
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static int parse_header(struct bytes line, struct http_request *request) {
    struct bytes value = line;
    struct bytes name = bytes_take_until(&value, ':');
    if (!is_printable(name) || name.length == line.length)
        return ERR_MALFORMED;
    value = trim(value);
    if (bytes_equal_ignoring_case(name, "connection")) {
        if (bytes_equal_ignoring_case(value, "close"))
            request->keeps_alive = false;
        else if (bytes_equal_ignoring_case(value, "keep-alive"))
            request->keeps_alive = true;
    } else if (bytes_equal_ignoring_case(name, "accept")) {
        request->accept = value;
    } else if (bytes_equal_ignoring_case(name, "if-none-match")) {
        request->if_none_match = value;
    } else if (bytes_equal_ignoring_case(name, "transfer-encoding")) {
        request->has_body = true;
    } else if (bytes_equal_ignoring_case(name, "content-length")) {
        request->has_body = request->has_body || !bytes_equal(value, BYTES_LITERAL("0"));
    }
    return 0;
}

/* Of a head that is not whole yet: who speaks another protocol, Redis's perhaps, waits for an
 * answer behind its first line, and would wait for ever. */
static int parse_first_line(struct bytes input, struct http_request *request) {
    bool is_whole = input.length && memchr(input.data, '\n', input.length) != NULL;
    return is_whole ? parse_request_line(next_line(&input), request) : 0;
}

int http_request_parse(struct bytes input, struct http_request *request) {
    *request = (struct http_request){.keeps_alive = false};
    size_t length = input.length ? head_length(input) : 0;
    if (length > HTTP_HEAD_MAXIMUM_BYTES ||
        (length == 0 && input.length >= HTTP_HEAD_MAXIMUM_BYTES))
        return ERR_LIMIT;
    if (length == 0)
        return parse_first_line(input, request);
    struct bytes head = bytes_of(input.data, length);
    int code = parse_request_line(next_line(&head), request);
    for (unsigned count = 0; code == 0; count++) {
        struct bytes line = next_line(&head);
        if (line.length == 0)
            return (int)length;
        code = count == HTTP_HEADER_MAXIMUM ? ERR_LIMIT : parse_header(line, request);
    }
    return code;
}

/* "1", "0.5", "0.125". What is no weight comes out as some other one. */
static unsigned parse_weight(struct bytes text) {
    unsigned weight = 0, digit_worth = 1000;
    for (size_t i = 0; i < text.length && digit_worth > 0; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            continue;
        weight += (unsigned)(text.data[i] - '0') * digit_worth;
        digit_worth /= 10;
    }
    return weight;
}

/* type/subtype;version=1.0.0;q=0.5 */
static unsigned range_weight(struct bytes range, const char *type, const char *version) {
    unsigned weight = 1000;
    if (!bytes_equal_ignoring_case(trim(bytes_take_until(&range, ';')), type))
        return 0;
    while (range.length > 0) {
        struct bytes value = bytes_take_until(&range, ';');
        struct bytes name = trim(bytes_take_until(&value, '='));
        if (bytes_equal_ignoring_case(name, "q"))
            weight = parse_weight(trim(value));
        else if (bytes_equal_ignoring_case(name, "version") &&
                 !bytes_equal(trim(value), bytes_of_text(version)))
            return 0;
    }
    return weight;
}

unsigned http_accept_weight(struct bytes accept, const char *type, const char *version) {
    unsigned most = 0;
    while (accept.length > 0) {
        unsigned weight = range_weight(bytes_take_until(&accept, ','), type, version);
        most = weight > most ? weight : most;
    }
    return most;
}

bool http_etag_is_listed(struct bytes if_none_match, const char *etag) {
    while (if_none_match.length > 0) {
        struct bytes tag = trim(bytes_take_until(&if_none_match, ','));
        if (tag.length > 2 && tag.data[0] == 'W' && tag.data[1] == '/')
            tag = bytes_of(tag.data + 2, tag.length - 2);
        if (bytes_equal(tag, BYTES_LITERAL("*")) || bytes_equal(tag, bytes_of_text(etag)))
            return true;
    }
    return false;
}
