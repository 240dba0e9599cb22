/* What the interpreters of text scripts of commands share: files, lines, and replies as redis-cli
 * prints them. */
#pragma once
#include "base/buffer.h"
#include "wire/response.h"

enum { SCRIPT_BYTES_MAXIMUM = 1024 * 1024 };

/* Cuts the first line off; without its end. */
struct bytes script_line_cut(struct bytes *text);
/* Ends in a line end. What is below the first line stands `indent` columns to the right. */
void script_print(struct buffer *out, const struct response *response, int indent);
/* Runs a script: appends it to `out`, with what is replied in the place of the replies in it. */
typedef void script_run_fn(struct bytes script, struct buffer *out);
/* The whole of a program `script DIRECTORY [--rewrite]`: runs each of its scripts; returns its exit
 * code. */
int script_main(int argument_count, char **arguments, script_run_fn *run);
