#include "cli/terminal/window.h"

#include <sys/ioctl.h>
#include <unistd.h>

size_t window_columns(void) {
    struct winsize window = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}
