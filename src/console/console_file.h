/* The console's files (console/ at the root), which the build puts into the program. */
#pragma once
#include "base/bytes.h"

struct console_file {
    const char *path; /* of HTTP */
    const char *type;
    struct bytes bytes; /* static storage */
};

/* NULL: there is no such file. */
const struct console_file *console_file_find(struct bytes path);
/* What a browser is told with each of them: it runs nothing and asks nobody but this port, takes no
 * text for markup, and shows the page in no other one. Lines of HTTP. */
const char *console_file_headers(void);
