/* What a subcommand says when it cannot do what it was asked. */
#pragma once
#include <stdbool.h>

void refusal_print_json(const char *text); /* one object on stdout: {"error": "..."} */
/* A line on stderr, in the name of `command`, and with --json such an object as well. */
void refusal_tell(const char *command, bool is_json, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Was --json asked for, wherever it stands? For what is wrong before all flags are read. */
bool refusal_is_json(int argc, char **argv);
