#include "wire/inline_arguments.h"

/* The white space of C's isspace() in the C locale. */
static bool inline_is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

static int inline_hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        return (byte | 0x20) - 'a' + 10;
    return -1;
}

static uint8_t inline_unescape(uint8_t byte) {
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return byte;
    }
}

/* After a backslash at line[at]: appends the byte meant; returns how many bytes stood for it. */
static size_t inline_escape(struct bytes line, size_t at, struct buffer *out) {
    if (at + 3 < line.length && line.data[at + 1] == 'x' &&
        inline_hex_digit(line.data[at + 2]) >= 0 && inline_hex_digit(line.data[at + 3]) >= 0) {
        buffer_append_u8(out, (uint8_t)(inline_hex_digit(line.data[at + 2]) * 16 +
                                        inline_hex_digit(line.data[at + 3])));
        return 4;
    }
    buffer_append_u8(out, inline_unescape(line.data[at + 1]));
    return 2;
}

/* Behind an opening quote at line[*at - 1]: up to and with the closing one. */
static bool inline_quoted(struct bytes line, size_t *at, uint8_t quote, struct buffer *out) {
    while (*at < line.length && line.data[*at] != quote) {
        bool has_next = *at + 1 < line.length, is_backslash = line.data[*at] == '\\';
        if (is_backslash && quote == '"' && has_next) {
            *at += inline_escape(line, *at, out);
        } else if (is_backslash && quote == '\'' && has_next && line.data[*at + 1] == '\'') {
            buffer_append_u8(out, '\'');
            *at += 2;
        } else {
            buffer_append_u8(out, line.data[(*at)++]);
        }
    }
    if (*at == line.length)
        return false;
    ++*at;
    return *at == line.length || inline_is_space(line.data[*at]);
}

static bool inline_word(struct bytes line, size_t *at, struct buffer *out) {
    while (*at < line.length && !inline_is_space(line.data[*at])) {
        uint8_t byte = line.data[(*at)++];
        /* A quote may open in the middle of a word; its end is always the end of the word. */
        if (byte == '"' || byte == '\'')
            return inline_quoted(line, at, byte, out);
        buffer_append_u8(out, byte);
    }
    return true;
}

bool inline_arguments_split(struct bytes line, struct buffer *out, inline_argument_each *each,
                            void *context) {
    const uint8_t *nul = line.length > 0 ? memchr(line.data, '\0', line.length) : NULL;
    if (nul != NULL)
        line.length = (size_t)(nul - line.data);
    for (size_t at = 0;;) {
        while (at < line.length && inline_is_space(line.data[at]))
            at++;
        if (at == line.length)
            return true;
        size_t position = out->length;
        if (!inline_word(line, &at, out) || !each(context, position, out->length - position))
            return false;
    }
}
