#include "profile/process_file.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PROCESS_FILE_PIECE_BYTES = 64 << 10 };

int process_file_read(const char *path, struct buffer *out) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : 1;
    while (got > 0) {
        uint8_t *room = buffer_reserve(out, PROCESS_FILE_PIECE_BYTES);
        if (room == NULL)
            break;
        got = read(file, room, PROCESS_FILE_PIECE_BYTES);
        if (got > 0)
            buffer_grew(out, (size_t)got);
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (file >= 0)
        close(file);
    return got < 0 ? ERR_IO : out->is_overflowed ? ERR_LIMIT : 0;
}
