#include "base/error.h"

const char *error_text(int code) {
    switch ((enum error)code) {
    case ERROR_NONE:
        return "success";
#define ERROR(name, text)                                                                          \
    case ERR_##name:                                                                               \
        return text;
#include "base/error.def"
#undef ERROR
    }
    return "unknown error";
}
