#include "command/command_docs.h"
#include "base/check.h"

enum { DOCS_DEPTH_MAXIMUM = 8 };

/* One argument, in pieces of the row's text. */
struct argument_text {
    struct bytes name, type, token, children;
    bool has_children, is_optional, is_multiple, is_multiple_token;
};

static bool is_capital(uint8_t letter) { return letter >= 'A' && letter <= 'Z'; }

/* The length of the first argument of a list: up to a separator that stands in no parentheses. */
static size_t argument_text_length(struct bytes list) {
    int depth = 0;
    size_t at = 0;
    for (; at < list.length; at++) {
        uint8_t letter = list.data[at];
        depth += (letter == '(') - (letter == ')');
        if (depth == 0 && (letter == ' ' || letter == '|'))
            break;
    }
    CHECK(depth == 0);
    return at;
}

/* Cuts `text` at the first `separator`: returns what stands before it and leaves the rest, or
 * returns nothing and leaves all. */
static struct bytes bytes_cut(struct bytes *text, char separator) {
    const uint8_t *found = text->length ? memchr(text->data, separator, text->length) : NULL;
    if (found == NULL)
        return BYTES_NONE;
    struct bytes before = bytes_of(text->data, (size_t)(found - text->data));
    *text = bytes_of(found + 1, text->length - before.length - 1);
    return before;
}

static void argument_text_cut_marks(struct argument_text *argument, struct bytes *text) {
    for (; text->length > 0; text->length--) {
        uint8_t last = text->data[text->length - 1];
        if (last == '?')
            argument->is_optional = true;
        else if (last == '*')
            argument->is_multiple = true;
        else if (last == '+')
            argument->is_multiple_token = true;
        else
            return;
    }
}

static void argument_text_cut_children(struct argument_text *argument, struct bytes *text) {
    const uint8_t *open = memchr(text->data, '(', text->length);
    if (open == NULL)
        return;
    size_t length = (size_t)(open - text->data);
    argument->has_children = true;
    argument->children = bytes_of(open + 1, text->length - length - 2);
    text->length = length;
}

static struct argument_text argument_text_read(struct bytes text) {
    struct argument_text argument = {.type = BYTES_LITERAL("string")};
    argument_text_cut_marks(&argument, &text);
    argument_text_cut_children(&argument, &text);
    argument.token = bytes_cut(&text, '=');
    bool is_word = argument.token.length == 0 && is_capital(text.data[0]);
    bool is_named_word = memchr(text.data, '~', text.length) != NULL;
    if (is_word || is_named_word) {
        argument.name = is_named_word ? bytes_cut(&text, '~') : text;
        argument.token = text;
        argument.type = BYTES_LITERAL("pure-token");
        return argument;
    }
    struct bytes name = bytes_cut(&text, ':');
    argument.name = name.length ? name : text;
    if (name.length)
        argument.type =
            bytes_equal(text, BYTES_LITERAL("time")) ? BYTES_LITERAL("unix-time") : text;
    if (argument.has_children) {
        bool is_choice = argument_text_length(argument.children) < argument.children.length &&
                         argument.children.data[argument_text_length(argument.children)] == '|';
        argument.type = is_choice ? BYTES_LITERAL("oneof") : BYTES_LITERAL("block");
    }
    return argument;
}

static void reply_lower(struct reply *reply, struct bytes text) {
    char lower[64];
    CHECK(text.length <= sizeof lower);
    for (size_t at = 0; at < text.length; at++)
        lower[at] = (char)(is_capital(text.data[at]) ? text.data[at] + ('a' - 'A') : text.data[at]);
    reply_bulk(reply, bytes_of(lower, text.length));
}

static void reply_marks(const struct argument_text *argument, struct reply *reply) {
    int count = argument->is_optional + argument->is_multiple + argument->is_multiple_token;
    if (count == 0)
        return;
    reply_bulk_text(reply, "flags");
    reply_set(reply, (size_t)count);
    if (argument->is_optional)
        reply_simple(reply, "optional");
    if (argument->is_multiple)
        reply_simple(reply, "multiple");
    if (argument->is_multiple_token)
        reply_simple(reply, "multiple_token");
}

static size_t list_count(struct bytes list) {
    size_t count = list.length > 0;
    while (argument_text_length(list) < list.length) {
        size_t length = argument_text_length(list) + 1;
        list = bytes_of(list.data + length, list.length - length);
        count++;
    }
    return count;
}

struct docs {
    struct reply *reply;
    int64_t key_spec_index; /* of the next key */
    int depth;
};

static void docs_reply_list(struct docs *docs, struct bytes list);

static void docs_reply_argument(struct docs *docs, struct bytes text) {
    struct argument_text argument = argument_text_read(text);
    bool is_key = bytes_equal(argument.type, BYTES_LITERAL("key"));
    bool has_marks = argument.is_optional || argument.is_multiple || argument.is_multiple_token;
    reply_map(docs->reply,
              2u + is_key + (argument.token.length > 0) + has_marks + argument.has_children);
    reply_bulk_text(docs->reply, "name");
    reply_lower(docs->reply, argument.name);
    reply_bulk_text(docs->reply, "type");
    reply_bulk(docs->reply, argument.type);
    if (is_key) {
        reply_bulk_text(docs->reply, "key_spec_index");
        reply_integer(docs->reply, docs->key_spec_index++);
    }
    if (argument.token.length) {
        reply_bulk_text(docs->reply, "token");
        reply_bulk(docs->reply, argument.token);
    }
    reply_marks(&argument, docs->reply);
    if (argument.has_children) {
        reply_bulk_text(docs->reply, "arguments");
        docs_reply_list(docs, argument.children);
    }
}

static void docs_reply_list(struct docs *docs, struct bytes list) {
    CHECK(++docs->depth <= DOCS_DEPTH_MAXIMUM);
    reply_array(docs->reply, list_count(list));
    while (list.length > 0) {
        size_t length = argument_text_length(list);
        docs_reply_argument(docs, bytes_of(list.data, length));
        size_t taken = length < list.length ? length + 1 : length;
        list = bytes_of(list.data + taken, list.length - taken);
    }
    docs->depth--;
}

void command_reply_arguments(const struct command *command, struct reply *reply) {
    struct docs docs = {.reply = reply};
    docs_reply_list(&docs, bytes_of_text(command->arguments));
}
