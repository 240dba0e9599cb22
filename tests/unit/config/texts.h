/* What the tests of settings say of texts: of what was written, and of files that are read. */
#pragma once
#include "../unit.h"

#include "config/config.h"

enum { TEXT_MAXIMUM = 1 << 20 };

static inline void assert_text(struct buffer *buffer, const char *expected) {
    buffer_append_u8(buffer, '\0');
    assert_string_equal((const char *)buffer_data(buffer), expected);
    buffer_clear(buffer);
}

/* Parses, and expects the code and, where it is refused, the sentence. */
static inline void assert_parse(struct config *config, const char *text, int expected_code,
                                const char *expected_problem) {
    struct buffer problem;
    buffer_init(&problem, TEXT_MAXIMUM);
    int code = config_parse(config, "node.conf", bytes_of_text(text), CONFIG_SOURCE_FILE, &problem);
    assert_text(&problem, expected_problem);
    assert_int_equal(code, expected_code);
    buffer_release(&problem);
}
