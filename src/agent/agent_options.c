#include "agent/agent_options.h"
#include "base/check.h"
#include <stdio.h>

enum { AGENT_HELP_COLUMNS = 77 };

/* Beside those whose names begin with "gossip-". */
static const char *const SETTINGS[] = {"dir",
                                       "bind",
                                       "announce",
                                       "port",
                                       "peer-port",
                                       "admin-port",
                                       "join",
                                       "name",
                                       "zone",
                                       "fault-injection",
                                       "loglevel",
                                       "log-format",
                                       "cluster-key-file",
                                       "cluster-name",
                                       "requirepass",
                                       "maxclients",
                                       "proto-max-bulk-len",
                                       "proto-max-arguments",
                                       "client-query-buffer-limit",
                                       "client-output-limit"};

bool agent_has_setting(struct bytes name) {
    static const char prefix[] = "gossip-";
    const char *known = config_name(name);
    if (known == NULL)
        return false;
    if (strncmp(known, prefix, sizeof prefix - 1) == 0)
        return true;
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        if (strcmp(known, SETTINGS[i]) == 0)
            return true;
    return false;
}

/* An agent keeps nothing, and looks for a port that is free. */
static void agent_prepare(struct config *config) {
    struct buffer problem;
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    CHECK(config_set(config, BYTES_LITERAL("dir"), BYTES_NONE, CONFIG_SOURCE_FLAG, &problem) == 0);
    config->port = 0;
    buffer_release(&problem);
}

/* What it says is checked when it is said. */
static int take_tag(struct agent_options *options, const char *text, struct buffer *problem) {
    const char *equals = strchr(text, '=');
    if (equals == NULL) {
        buffer_append_format(problem, "--tag: '%.80s' is not key=value, such as role=web", text);
        return ERR_INVALID;
    }
    if (options->tag_count == AGENT_TAG_MAXIMUM) {
        buffer_append_format(problem, "--tag: more than %d of them", AGENT_TAG_MAXIMUM);
        return ERR_LIMIT;
    }
    options->tags[options->tag_count++] =
        (struct agent_tag){bytes_of(text, (size_t)(equals - text)), bytes_of_text(equals + 1)};
    return 1;
}

static int agent_take(void *context, struct bytes name, const char *value, struct buffer *problem) {
    if (bytes_equal(name, BYTES_LITERAL("tag")))
        return take_tag(context, value, problem);
    if (agent_has_setting(name))
        return 0;
    buffer_append_format(problem, "an agent has no flag --%.*s; `trothdb help agent` lists them",
                         (int)(name.length < 80 ? name.length : 80), (const char *)name.data);
    return ERR_INVALID;
}

int agent_options_read(struct agent_options *options, int argc, char **argv, struct config *config,
                       struct buffer *problem) {
    static const struct options_dialect dialect = {.prepare = agent_prepare, .take = agent_take};
    *options = (struct agent_options){0};
    int code = options_read(&options->options, argc, argv, problem);
    options->options.dialect = &dialect;
    options->options.context = options;
    if (code != 0 || options->options.wants_help)
        return code;
    return options_load(&options->options, config, problem);
}

int agent_options_read_again(struct agent_options *options, struct config *config,
                             struct buffer *problem) {
    options->tag_count = 0;
    return options_load(&options->options, config, problem);
}

void agent_options_print_help(void) {
    fputs("usage: trothdb agent [--name N] [--join HOST:PORT,...] [--tag KEY=VALUE]...\n"
          "                     [--name value]...\n\n"
          "Runs a member of gossip that holds no data, until SIGTERM, on which it says\n"
          "goodbye; SIGHUP reads its file again. Any client of Redis can ask it who is\n"
          "there (GOSSIP MEMBERS) and hear what changes (SUBSCRIBE __gossip__:members).\n\n"
          "    trothdb agent --name web-1 --join 127.0.0.1:17001 --tag role=web\n"
          "    redis-cli -p 7002 gossip members tag role web\n\n"
          "--tag says something of this member to all others, and may be given 64 times.\n"
          "Beside these an agent has, as `trothdb server` has them: --config and\n\n   ",
          stdout);
    size_t column = 0;
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        size_t width = strlen(" --") + strlen(SETTINGS[i]);
        bool is_full = column + width > AGENT_HELP_COLUMNS;
        printf("%s --%s", is_full ? "\n   " : "", SETTINGS[i]);
        column = is_full ? width : column + width;
    }
    fputs("\n    and every --gossip-... (`trothdb server --help` tells their meaning)\n\n"
          "Without --port the first free one from 7001 on is taken; the peer port is 10000\n"
          "and the admin port 2000 higher. Without --dir the member is a new one at each\n"
          "start; with it, it keeps its id.\n",
          stdout);
}
