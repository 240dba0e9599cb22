#include "wire/response.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/text/number.h"
#include <math.h>

/* What one element of a reply begins with, without its children. */
struct response_head {
    char type;
    bool is_null;
    struct bytes text; /* of a line or of a bulk */
    size_t children;   /* elements that follow and belong to it */
    size_t length;     /* bytes of the head, a bulk's payload included */
};

static int response_read_head(struct bytes input, struct response_head *head);

/* ---- skipping ----------------------------------------------------------------------------- */

/* Walks the elements with a count of what is open at each depth; `depth` is 0 when nothing is. */
int response_skip(struct bytes input, size_t *consumed) {
    size_t open[RESPONSE_DEPTH_MAXIMUM], depth = 0, at = 0;
    open[depth++] = 1;
    while (depth > 0) {
        struct response_head head;
        int status = response_read_head(bytes_of(input.data + at, input.length - at), &head);
        if (status != 1)
            return status;
        at += head.length;
        if (head.type != '|') /* an attribute comes before an element and is none */
            open[depth - 1]--;
        if (head.children > 0) {
            if (depth == RESPONSE_DEPTH_MAXIMUM)
                return ERR_LIMIT;
            open[depth++] = head.children;
        }
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
    }
    *consumed = at;
    return 1;
}

/* ---- heads -------------------------------------------------------------------------------- */

/* One line behind the type byte, without its end. */
static int response_read_line(struct bytes input, struct bytes *line) {
    size_t left = input.length - 1;
    size_t searched =
        left < RESPONSE_LINE_MAXIMUM_BYTES + 1 ? left : RESPONSE_LINE_MAXIMUM_BYTES + 1;
    const uint8_t *end = searched > 0 ? memchr(input.data + 1, '\r', searched) : NULL;
    if (end == NULL)
        return left > RESPONSE_LINE_MAXIMUM_BYTES ? ERR_LIMIT : 0;
    *line = bytes_of(input.data + 1, (size_t)(end - input.data) - 1);
    if (line->length + 2 > left)
        return 0;
    return end[1] == '\n' ? 1 : ERR_MALFORMED;
}

static int response_check_line(char type, struct bytes line) {
    int64_t integer;
    double number;
    switch (type) {
    case ':':
        return number_parse_i64(line, &integer) ? 1 : ERR_MALFORMED;
    case ',':
        return number_parse_double(line, &number) || bytes_equal(line, BYTES_LITERAL("nan")) ||
                       bytes_equal(line, BYTES_LITERAL("-nan"))
                   ? 1
                   : ERR_MALFORMED;
    case '#':
        return line.length == 1 && (line.data[0] == 't' || line.data[0] == 'f') ? 1 : ERR_MALFORMED;
    case '_':
        return line.length == 0 ? 1 : ERR_MALFORMED;
    default:
        return 1;
    }
}

static int response_read_payload(struct bytes input, int64_t length, struct response_head *head) {
    if (length > RESPONSE_BULK_MAXIMUM_BYTES)
        return ERR_LIMIT;
    size_t start = head->length, payload = (size_t)length;
    if (input.length - start < payload + 2)
        return 0;
    if (memcmp(input.data + start + payload, "\r\n", 2) != 0)
        return ERR_MALFORMED;
    head->text = bytes_of(input.data + start, payload);
    head->length = start + payload + 2;
    if (head->type != '=')
        return 1;
    if (payload < 4 || head->text.data[3] != ':')
        return ERR_MALFORMED;
    head->text = bytes_of(head->text.data + 4, payload - 4); /* behind "txt:" */
    return 1;
}

/* The types that begin with a count: of bytes or of elements. */
static int response_read_counted(struct bytes input, struct bytes line,
                                 struct response_head *head) {
    int64_t count;
    if (!number_parse_i64(line, &count) || count < -1)
        return ERR_MALFORMED;
    head->text = BYTES_NONE;
    if (count == -1) {
        head->is_null = true;
        return head->type == '$' || head->type == '*' ? 1 : ERR_MALFORMED;
    }
    if (head->type == '$' || head->type == '!' || head->type == '=')
        return response_read_payload(input, count, head);
    if (count > RESPONSE_ELEMENT_MAXIMUM)
        return ERR_LIMIT;
    head->children = (size_t)count * (head->type == '%' || head->type == '|' ? 2 : 1);
    return 1;
}

static int response_read_head(struct bytes input, struct response_head *head) {
    if (input.length == 0)
        return 0;
    *head = (struct response_head){.type = (char)input.data[0]};
    if (memchr("+-:$*,#_(%~>=!|", head->type, 15) == NULL)
        return ERR_MALFORMED;
    struct bytes line;
    int status = response_read_line(input, &line);
    if (status != 1)
        return status;
    head->length = 1 + line.length + 2;
    head->text = line;
    if (memchr("$*%~>=!|", head->type, 8) != NULL)
        return response_read_counted(input, line, head);
    return response_check_line(head->type, line);
}

/* ---- the tree ----------------------------------------------------------------------------- */

static size_t response_build(struct bytes input, struct response *response);

int response_parse(struct bytes input, struct response *response, size_t *consumed) {
    int status = response_skip(input, consumed);
    if (status != 1)
        return status;
    size_t built = response_build(bytes_of(input.data, *consumed), response);
    CHECK(built == *consumed);
    return 1;
}

static enum response_kind response_kind_of(const struct response_head *head) {
    if (head->is_null)
        return RESPONSE_NULL;
    switch (head->type) {
    case '+':
        return RESPONSE_SIMPLE;
    case '-':
    case '!':
        return RESPONSE_ERROR;
    case ':':
        return RESPONSE_INTEGER;
    case '$':
        return RESPONSE_BULK;
    case '*':
        return RESPONSE_ARRAY;
    case '%':
        return RESPONSE_MAP;
    case '~':
        return RESPONSE_SET;
    case '>':
        return RESPONSE_PUSH;
    case ',':
        return RESPONSE_DOUBLE;
    case '#':
        return RESPONSE_BOOLEAN;
    case '=':
        return RESPONSE_VERBATIM;
    case '(':
        return RESPONSE_BIG_NUMBER;
    default:
        return RESPONSE_NULL;
    }
}

static void response_read_scalar(const struct response_head *head, struct response *response) {
    if (head->type == ':')
        CHECK(number_parse_i64(head->text, &response->integer));
    else if (head->type == '#')
        response->integer = head->text.data[0] == 't';
    else if (head->type == ',' && !number_parse_double(head->text, &response->number))
        response->number = NAN;
}

/* Reads over attributes: maps in front of an element that say something about it. */
static size_t response_read_past_attributes(struct bytes input, struct response_head *head) {
    size_t at = 0;
    for (;;) {
        int status = response_read_head(bytes_of(input.data + at, input.length - at), head);
        CHECK(status == 1);
        at += head->length;
        if (head->type != '|')
            return at;
        for (size_t i = 0; i < head->children; i++) {
            size_t length = 0;
            status = response_skip(bytes_of(input.data + at, input.length - at), &length);
            CHECK(status == 1);
            at += length;
        }
    }
}

/* The input is known to hold a whole reply of bounded depth, so this cannot fail. */
static size_t response_build(struct bytes input, struct response *response) {
    struct response_head head;
    size_t at = response_read_past_attributes(input, &head);
    *response = (struct response){.kind = response_kind_of(&head), .element_count = head.children};
    if (response->kind != RESPONSE_NULL && head.children == 0)
        response->text = head.text;
    response_read_scalar(&head, response);
    if (head.children == 0)
        return at;
    response->elements = memory_allocate_zeroed(head.children, sizeof *response->elements);
    for (size_t i = 0; i < head.children; i++)
        at += response_build(bytes_of(input.data + at, input.length - at), &response->elements[i]);
    return at;
}

void response_release(struct response *response) {
    for (size_t i = 0; i < response->element_count; i++)
        response_release(&response->elements[i]);
    memory_free(response->elements);
    *response = (struct response){.kind = RESPONSE_NULL};
}
