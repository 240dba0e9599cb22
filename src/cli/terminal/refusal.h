/* What a subcommand says with --json when it cannot answer. */
#pragma once

void refusal_print_json(const char *text); /* one object on stdout: {"error": "..."} */
