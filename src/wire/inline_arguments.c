#include "wire/inline_arguments.h"

#include "base/text/words.h"

bool inline_arguments_split(struct bytes line, struct buffer *out, inline_argument_each *each,
                            void *context) {
    const uint8_t *nul = line.length > 0 ? memchr(line.data, '\0', line.length) : NULL;
    if (nul != NULL)
        line.length = (size_t)(nul - line.data);
    for (line = words_trim(line); line.length > 0; line = words_trim(line)) {
        size_t position = out->length;
        if (!words_next(&line, out) || !each(context, position, out->length - position))
            return false;
    }
    return true;
}
