/* The error codes of the whole program (error.def). Functions return 0 or one of these, always
 * negative. Errors are for the world, assertions for us: both stay on in release builds. */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))

enum error_ordinal {
#define ERROR(name, text) ERROR_ORDINAL_##name,
#include "base/error.def"
#undef ERROR
    ERROR_COUNT
};

enum error {
    ERROR_NONE = 0,
#define ERROR(name, text) ERR_##name = -1 - (int)ERROR_ORDINAL_##name,
#include "base/error.def"
#undef ERROR
};

/* The text of error.def for a code; "success" for 0. Static storage. */
const char *error_text(int code);
