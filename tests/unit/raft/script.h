/* The commands of text scripts (script.c says what each does). */
#pragma once
#include "base/buffer.h"
#include "cluster.h"

enum { SCRIPT_WORD_MAXIMUM = 32 };

struct line {
    char text[512];
    char split[512]; /* the same, cut into words */
    char *words[SCRIPT_WORD_MAXIMUM];
    size_t word_count;
};
struct script {
    struct cluster *cluster; /* owned; NULL before there is one */
    struct buffer out;       /* of the block in hand */
};

/* What happens goes to script->out. Ends the process if it is no command, or of no such node. */
void script_command(struct script *script, struct line *line);
