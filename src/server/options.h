/* The command line of `trothdb server`: every setting as --name value or --name=value, and --config
 * FILE. Flags win over the file, the file over the defaults. */
#pragma once
#include "config/config.h"

enum { OPTIONS_FILE_MAXIMUM_BYTES = 1 << 20 };

struct options {
    int argc;
    char **argv;             /* borrowed; behind the subcommand's name */
    const char *config_file; /* NULL: none */
    bool wants_help;
};

/* ERR_INVALID with a sentence in `problem`. */
int options_read(struct options *options, int argc, char **argv, struct buffer *problem) MUST_CHECK;
/* Defaults, file, flags. On error `config` is not made. */
int options_load(const struct options *options, struct config *config,
                 struct buffer *problem) MUST_CHECK;
/* Writes settings (name -> char *value) into the file `name`, which is replaced as a whole. ERR_IO
 * with a sentence. */
int options_rewrite(const char *name, const struct table *values,
                    struct buffer *problem) MUST_CHECK;
/* Prints usage and every setting. */
void options_print_help(void);
