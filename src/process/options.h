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
    /* For a program that has more than settings; NULL: `trothdb server`, which has not. Set between
     * options_read() and options_load(). */
    const struct options_dialect *dialect;
    void *context;
};

struct options_dialect {
    void (*prepare)(struct config *config); /* other defaults */
    /* 1: the flag is taken, 0: it is a setting; or negative with a sentence. */
    int (*take)(void *context, struct bytes name, const char *value, struct buffer *problem);
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
/* A line on standard error: why `trothdb COMMAND` does not start. What was said on the command line
 * may stand in it, and moves no cursor of a terminal. Returns exit_code. */
int options_complain(const char *command, const struct buffer *problem, int exit_code);
