#include "process/options.h"
#include "base/utf8.h"
#include "io/whole_file.h"
#include <stdio.h>

struct flag {
    struct bytes name;
    const char *value;
};

/* Reads the flag at `*position` and moves on. */
static int next_flag(const struct options *options, int *position, struct flag *flag,
                     struct buffer *problem) {
    const char *text = options->argv[(*position)++];
    if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
        buffer_append_format(problem, "'%.80s' is no flag; flags are --name value", text);
        return ERR_INVALID;
    }
    text += 2;
    const char *equals = strchr(text, '=');
    flag->name = equals ? bytes_of(text, (size_t)(equals - text)) : bytes_of_text(text);
    flag->value = equals ? equals + 1 : NULL;
    if (flag->value == NULL && *position < options->argc)
        flag->value = options->argv[(*position)++];
    if (flag->value == NULL) {
        buffer_append_format(problem, "--%.80s: a value is missing; --help lists all flags", text);
        return ERR_INVALID;
    }
    return 0;
}

/* Wherever it stands, and whatever else does. */
static bool asks_for_help(int argc, char **argv) {
    bool is_asked = false;
    for (int i = 0; i < argc; i++)
        is_asked |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    return is_asked;
}

int options_read(struct options *options, int argc, char **argv, struct buffer *problem) {
    *options =
        (struct options){.argc = argc, .argv = argv, .wants_help = asks_for_help(argc, argv)};
    if (options->wants_help)
        return 0;
    int code = 0;
    for (int position = 0; position < argc && code == 0;) {
        struct flag flag;
        code = next_flag(options, &position, &flag, problem);
        if (code == 0 && bytes_equal(flag.name, BYTES_LITERAL("config")))
            options->config_file = flag.value;
    }
    return code;
}

static int load_file(const char *name, struct config *config, struct buffer *problem) {
    struct buffer text;
    buffer_init(&text, OPTIONS_FILE_MAXIMUM_BYTES);
    buffer_append_text(problem, "--config: ");
    int code = whole_file_read(name, &text, problem) == 0 ? 0 : ERR_IO;
    if (code == 0) {
        buffer_clear(problem);
        code = config_parse(config, name, buffer_bytes(&text), CONFIG_SOURCE_FILE, problem);
    }
    buffer_release(&text);
    return code;
}

static int load_flag(const struct options *options, const struct flag *flag, struct config *config,
                     struct buffer *problem) {
    int code = 0;
    if (options->dialect != NULL)
        code = options->dialect->take(options->context, flag->name, flag->value, problem);
    if (code != 0)
        return code > 0 ? 0 : code;
    return config_set(config, flag->name, bytes_of_text(flag->value), CONFIG_SOURCE_FLAG, problem);
}

static int load_flags(const struct options *options, struct config *config,
                      struct buffer *problem) {
    int code = 0;
    for (int position = 0; position < options->argc && code == 0;) {
        struct flag flag;
        code = next_flag(options, &position, &flag, problem);
        if (code == 0 && !bytes_equal(flag.name, BYTES_LITERAL("config")))
            code = load_flag(options, &flag, config, problem);
    }
    return code == 0 ? config_check(config, problem) : code;
}

int options_load(const struct options *options, struct config *config, struct buffer *problem) {
    config_init(config);
    if (options->dialect != NULL)
        options->dialect->prepare(config);
    int code = options->config_file ? load_file(options->config_file, config, problem) : 0;
    if (code == 0)
        code = load_flags(options, config, problem);
    if (code != 0)
        config_release(config);
    return code;
}

/* ---- CONFIG REWRITE ---- */

int options_rewrite(const char *name, const struct table *values, struct buffer *problem) {
    struct buffer text, fresh;
    buffer_init(&text, OPTIONS_FILE_MAXIMUM_BYTES);
    buffer_init(&fresh, OPTIONS_FILE_MAXIMUM_BYTES);
    int code = whole_file_read(name, &text, problem) == 0 ? 0 : ERR_IO;
    if (code == 0) {
        config_rewrite(buffer_bytes(&text), values, &fresh);
        if (fresh.is_overflowed) {
            buffer_append_format(problem, "cannot write '%s': it would be longer than %d bytes",
                                 name, OPTIONS_FILE_MAXIMUM_BYTES);
            code = ERR_IO;
        }
    }
    if (code == 0)
        code = whole_file_replace(name, buffer_bytes(&fresh), 07777, problem);
    buffer_release(&text);
    buffer_release(&fresh);
    return code;
}

void options_print_help(void) {
    struct buffer text;
    buffer_init(&text, OPTIONS_FILE_MAXIMUM_BYTES);
    config_describe(&text);
    fputs("usage: trothdb server [--config FILE] [--name value]...\n\n"
          "Runs one node. With an empty directory it founds a cluster of one and serves at\n"
          "once; with --join it waits as a spare until `trothdb cluster create` gives it\n"
          "shards. SIGTERM stops it cleanly, SIGHUP reads the file again.\n\n"
          "    trothdb server --dir /var/lib/trothdb --port 7001\n"
          "    redis-cli -p 7001 set greeting hello\n\n"
          "Every setting is a flag, and a line `name value` of the file. Flags win.\n\n",
          stdout);
    fwrite(buffer_data(&text), 1, text.length, stdout);
    buffer_release(&text);
}

int options_complain(const char *command, const struct buffer *problem, int exit_code) {
    struct buffer shown;
    buffer_init(&shown, SIZE_MAX);
    utf8_append_shown(&shown, buffer_bytes(problem));
    fprintf(stderr, "trothdb %s: %.*s\n", command, BYTES_PRINT(buffer_bytes(&shown)));
    buffer_release(&shown);
    return exit_code;
}
