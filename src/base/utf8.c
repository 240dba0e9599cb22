#include "base/utf8.h"

static size_t length_by_first(uint8_t first) {
    return first < 0x80                    ? 1
           : first >= 0xc2 && first < 0xe0 ? 2
           : first >= 0xe0 && first < 0xf0 ? 3
           : first >= 0xf0 && first < 0xf5 ? 4
                                           : 0;
}

size_t utf8_sequence(struct bytes text) {
    size_t length = text.length ? length_by_first(text.data[0]) : 0;
    if (length > text.length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    if (length < 3)
        return length;
    uint8_t first = text.data[0], second = text.data[1];
    bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool is_beyond = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
    return is_overlong || is_beyond ? 0 : length;
}

static bool is_control(const uint8_t *sequence, size_t length) {
    return (length == 1 && (sequence[0] < ' ' || sequence[0] == 0x7f)) ||
           (length == 2 && sequence[0] == 0xc2 && sequence[1] < 0xa0);
}

void utf8_append_shown(struct buffer *out, struct bytes text) {
    for (size_t at = 0, length; at < text.length; at += length) {
        const uint8_t *sequence = text.data + at;
        length = utf8_sequence(bytes_of(sequence, text.length - at));
        if (length > 0 && !is_control(sequence, length)) {
            buffer_append(out, sequence, length);
            continue;
        }
        length = 1; /* what goes on behind the first byte of a C1 is no UTF-8 either */
        if (*sequence == '\n')
            buffer_append_text(out, "\\n");
        else
            buffer_append_format(out, "\\x%02x", *sequence);
    }
}
