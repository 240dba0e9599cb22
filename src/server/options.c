#include "server/options.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (bytes_equal(flag->name, BYTES_LITERAL("help")))
        return 0;
    if (flag->value == NULL && *position < options->argc)
        flag->value = options->argv[(*position)++];
    if (flag->value == NULL) {
        buffer_append_format(problem, "--%.80s: a value is missing", text);
        return ERR_INVALID;
    }
    return 0;
}

int options_read(struct options *options, int argc, char **argv, struct buffer *problem) {
    *options = (struct options){.argc = argc, .argv = argv};
    int code = 0;
    for (int position = 0; position < argc && code == 0;) {
        struct flag flag;
        code = next_flag(options, &position, &flag, problem);
        if (code == 0 && bytes_equal(flag.name, BYTES_LITERAL("config")))
            options->config_file = flag.value;
        if (code == 0 && bytes_equal(flag.name, BYTES_LITERAL("help")))
            options->wants_help = true;
    }
    return code;
}

/* The whole text of a file, to be freed. */
static int read_file(const char *name, char **text, size_t *length, struct buffer *problem) {
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        buffer_append_format(problem, "cannot open '%s': %s", name, strerror(errno));
        return ERR_IO;
    }
    *text = memory_allocate(OPTIONS_FILE_MAXIMUM_BYTES);
    *length = fread(*text, 1, OPTIONS_FILE_MAXIMUM_BYTES, file);
    bool is_whole = !ferror(file) && *length < OPTIONS_FILE_MAXIMUM_BYTES;
    if (ferror(file))
        buffer_append_format(problem, "cannot read '%s': %s", name, strerror(errno));
    else if (!is_whole)
        buffer_append_format(problem, "'%s' is longer than %d bytes", name,
                             OPTIONS_FILE_MAXIMUM_BYTES);
    fclose(file);
    if (!is_whole)
        memory_free(*text);
    return is_whole ? 0 : ERR_IO;
}

static int load_file(const char *name, struct config *config, struct buffer *problem) {
    char *text;
    size_t length;
    buffer_append_text(problem, "--config: ");
    if (read_file(name, &text, &length, problem) != 0)
        return ERR_IO;
    buffer_clear(problem);
    int code = config_parse(config, name, bytes_of(text, length), CONFIG_SOURCE_FILE, problem);
    memory_free(text);
    return code;
}

static int load_flags(const struct options *options, struct config *config,
                      struct buffer *problem) {
    int code = 0;
    for (int position = 0; position < options->argc && code == 0;) {
        struct flag flag;
        code = next_flag(options, &position, &flag, problem);
        if (code == 0 && !bytes_equal(flag.name, BYTES_LITERAL("config")) &&
            !bytes_equal(flag.name, BYTES_LITERAL("help")))
            code = config_set(config, flag.name, bytes_of_text(flag.value), CONFIG_SOURCE_FLAG,
                              problem);
    }
    return code == 0 ? config_check(config, problem) : code;
}

int options_load(const struct options *options, struct config *config, struct buffer *problem) {
    config_init(config);
    int code = options->config_file ? load_file(options->config_file, config, problem) : 0;
    if (code == 0)
        code = load_flags(options, config, problem);
    if (code != 0)
        config_release(config);
    return code;
}

/* ---- CONFIG REWRITE ---- */

static bool write_all(int file, struct bytes text) {
    while (text.length > 0) {
        ssize_t written = write(file, text.data, text.length);
        if (written <= 0)
            return false;
        text = bytes_of(text.data + written, text.length - (size_t)written);
    }
    return true;
}

static int sync_directory(const char *name) {
    char *copy = memory_copy_text(name);
    int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = directory < 0 ? -1 : fsync(directory);
    if (directory >= 0)
        close(directory);
    memory_free(copy);
    return result;
}

/* A reader, and a crash, see the old file or the new one. Mode and owner stay, where they may. */
static bool replace_file(const char *name, struct bytes text) {
    char *fresh = memory_allocate(strlen(name) + sizeof ".new");
    struct stat old;
    memcpy(fresh, name, strlen(name));
    memcpy(fresh + strlen(name), ".new", sizeof ".new");
    bool is_known = stat(name, &old) == 0;
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = file >= 0 && write_all(file, text) &&
                      (!is_known || fchmod(file, old.st_mode & 07777) == 0) && fsync(file) == 0;
    if (is_written && is_known && fchown(file, old.st_uid, old.st_gid) != 0)
        is_written = errno == EPERM;
    if (file >= 0 && close(file) != 0)
        is_written = false;
    is_written = is_written && rename(fresh, name) == 0 && sync_directory(name) == 0;
    int cause = errno;
    if (!is_written && file >= 0)
        unlink(fresh);
    errno = cause;
    memory_free(fresh);
    return is_written;
}

int options_rewrite(const char *name, const struct table *values, struct buffer *problem) {
    char *text;
    size_t length;
    struct buffer fresh;
    if (read_file(name, &text, &length, problem) != 0)
        return ERR_IO;
    buffer_init(&fresh, 2 * (size_t)OPTIONS_FILE_MAXIMUM_BYTES);
    config_rewrite(bytes_of(text, length), values, &fresh);
    memory_free(text);
    bool is_written = !fresh.is_overflowed && fresh.length < OPTIONS_FILE_MAXIMUM_BYTES &&
                      replace_file(name, buffer_bytes(&fresh));
    if (!is_written)
        buffer_append_format(problem, "cannot write '%s': %s", name, strerror(errno));
    buffer_release(&fresh);
    return is_written ? 0 : ERR_IO;
}

void options_print_help(void) {
    struct buffer text;
    buffer_init(&text, OPTIONS_FILE_MAXIMUM_BYTES);
    config_describe(&text);
    fputs("usage: trothdb server [--config FILE] [--name value]...\n\n"
          "Runs one node. With an empty directory it founds a cluster of one and serves at once; "
          "with --join it waits as\n"
          "a spare until `trothdb cluster create` gives it shards. SIGTERM stops it cleanly, "
          "SIGHUP reads the file again.\n\n"
          "    trothdb server --dir /var/lib/trothdb --port 7001\n"
          "    redis-cli -p 7001 set greeting hello\n\n"
          "Every setting is a flag, and a line `name value` of the file. Flags win.\n\n",
          stdout);
    fwrite(buffer_data(&text), 1, text.length, stdout);
    buffer_release(&text);
}
