/* ELF files, whose functions a profile names: whatever stands in one, it has names or none, and
 * each is text within the file. */
#include "base/check.h"
#include "profile/symbols.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void look_up(const struct symbols *symbols, uint64_t offset, size_t longest) {
    const char *name = symbols_find(symbols, offset);
    CHECK(name == NULL || strlen(name) <= longest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    char path[32];
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(file >= 0);
    CHECK(write(file, data, length) == (ssize_t)length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct symbols *symbols = symbols_open(path);
    if (symbols != NULL) {
        for (uint64_t offset = 0; offset < length + 8; offset += 1 + length / 256)
            look_up(symbols, offset, length);
        look_up(symbols, UINT64_MAX, length);
        look_up(symbols, UINT64_MAX / 2, length);
    }
    symbols_free(symbols);
    close(file);
    return 0;
}
