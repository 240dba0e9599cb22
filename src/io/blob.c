#include "io/blob.h"

static bool is_plain(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
}

/* A component of dots only would leave the directory. */
static bool component_is_valid(const char *at, size_t length) {
    size_t dots = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_plain(at[i]))
            return false;
        dots += at[i] == '.';
    }
    return length > 0 && dots < length;
}

bool blob_name_is_valid(const char *name) {
    if (strlen(name) >= BLOB_NAME_MAXIMUM)
        return false;
    for (const char *at = name;; at++) {
        size_t length = strcspn(at, "/");
        if (!component_is_valid(at, length))
            return false;
        at += length;
        if (*at == '\0')
            return true;
    }
}
