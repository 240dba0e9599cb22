#include "base/text/words.h"

#include "base/text/hex.h"

static void skip(struct bytes *line, size_t count) {
    *line = bytes_of(line->data + count, line->length - count);
}

struct bytes words_trim(struct bytes line) {
    while (line.length > 0 && words_is_space(line.data[0]))
        skip(&line, 1);
    while (line.length > 0 && words_ends_word(line.data[line.length - 1]))
        line.length--;
    return line;
}

static uint8_t unescape(uint8_t letter) {
    switch (letter) {
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
        return letter;
    }
}

/* One byte of a double-quoted text, escapes resolved. */
static uint8_t next_double_quoted(struct bytes *line) {
    const uint8_t *at = line->data;
    size_t taken = 1;
    uint8_t byte = at[0];
    if (line->length >= 4 && at[0] == '\\' && at[1] == 'x' && hex_digit(at[2]) >= 0 &&
        hex_digit(at[3]) >= 0) {
        taken = 4;
        byte = (uint8_t)(hex_digit(at[2]) * 16 + hex_digit(at[3]));
    } else if (line->length >= 2 && at[0] == '\\') {
        taken = 2;
        byte = unescape(at[1]);
    }
    skip(line, taken);
    return byte;
}

static uint8_t next_single_quoted(struct bytes *line) {
    size_t taken = line->length >= 2 && line->data[0] == '\\' && line->data[1] == '\'' ? 2 : 1;
    uint8_t byte = line->data[taken - 1];
    skip(line, taken);
    return byte;
}

/* Behind the opening quote; appends up to the closing one. */
static bool append_quoted(struct bytes *line, uint8_t quote, struct buffer *out) {
    while (line->length > 0 && line->data[0] != quote)
        buffer_append_u8(out, quote == '"' ? next_double_quoted(line) : next_single_quoted(line));
    if (line->length == 0)
        return false;
    skip(line, 1);
    return line->length == 0 || words_is_space(line->data[0]);
}

bool words_next(struct bytes *line, struct buffer *out) {
    while (line->length > 0 && !words_ends_word(line->data[0])) {
        uint8_t byte = line->data[0];
        skip(line, 1);
        if (byte == '"' || byte == '\'')
            return append_quoted(line, byte, out);
        buffer_append_u8(out, byte);
    }
    return true;
}
