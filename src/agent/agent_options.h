/* The flags of `trothdb agent`: --tag key=value, any number of times, and those settings of
 * config.def that mean something to an agent. */
#pragma once
#include "process/options.h"

enum { AGENT_TAG_MAXIMUM = 64, AGENT_DEFAULT_PORT = 7001 };

struct agent_tag {
    struct bytes key, value; /* borrowed from argv */
};

struct agent_options {
    struct options options;
    struct agent_tag tags[AGENT_TAG_MAXIMUM];
    unsigned tag_count;
};

/* ERR_INVALID with a sentence in `problem`. `config` is made on 0 only, and not where help is
 * wanted. Its port is 0 where none was given. Borrows argv. */
int agent_options_read(struct agent_options *options, int argc, char **argv, struct config *config,
                       struct buffer *problem) MUST_CHECK;
/* The file and the same flags once more, as above. */
int agent_options_read_again(struct agent_options *options, struct config *config,
                             struct buffer *problem) MUST_CHECK;
/* Is this setting one of an agent's? Any case, and Redis's older names. */
bool agent_has_setting(struct bytes name);
void agent_options_print_help(void);
