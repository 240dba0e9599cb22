#include "base/containers/table.h"
#include "base/text/words.h"
#include "config/config.h"

/* The configuration file: lines of "name value", split into words as base/text/words.h tells. */

/* Everything behind the name, the arguments joined by one space ("save 3600 1 300 100"). */
static int read_value(struct bytes line, struct buffer *value, struct buffer *problem) {
    if (line.length == 0) {
        buffer_append_text(problem, "a value is missing; write \"\" for an empty one");
        return ERR_MALFORMED;
    }
    bool is_first = true;
    for (; line.length > 0; line = words_trim(line)) {
        if (!is_first)
            buffer_append_u8(value, ' ');
        is_first = false;
        if (!words_next(&line, value)) {
            buffer_append_text(problem, "the quotes are not balanced");
            return ERR_MALFORMED;
        }
    }
    return 0;
}

static int config_parse_line(struct config *config, struct bytes line, enum config_source source,
                             struct buffer *problem) {
    line = words_trim(line);
    if (line.length == 0 || line.data[0] == '#')
        return 0;
    if (line.length > CONFIG_LINE_MAXIMUM) {
        buffer_append_format(problem, "the line is longer than %d bytes", CONFIG_LINE_MAXIMUM);
        return ERR_LIMIT;
    }
    struct buffer name, value;
    buffer_init(&name, CONFIG_VALUE_MAXIMUM);
    buffer_init(&value, CONFIG_VALUE_MAXIMUM);
    int code = 0;
    if (!words_next(&line, &name)) {
        buffer_append_text(problem, "the quotes are not balanced");
        code = ERR_MALFORMED;
    }
    if (code == 0)
        code = read_value(words_trim(line), &value, problem);
    if (code == 0 && (name.is_overflowed || value.is_overflowed)) {
        buffer_append_format(problem, "a value is longer than %d bytes", CONFIG_VALUE_MAXIMUM);
        code = ERR_LIMIT;
    }
    if (code == 0)
        code = config_set(config, buffer_bytes(&name), buffer_bytes(&value), source, problem);
    buffer_release(&value);
    buffer_release(&name);
    return code;
}

static int config_parse_lines(struct config *config, const char *file_name, struct bytes text,
                              enum config_source source, struct buffer *problem) {
    for (unsigned number = 1; text.length > 0; number++) {
        struct bytes line = bytes_take_until(&text, '\n');
        struct buffer reason;
        buffer_init(&reason, CONFIG_VALUE_MAXIMUM);
        int code = config_parse_line(config, line, source, &reason);
        if (code != 0)
            buffer_append_format(problem, "%s:%u: %.*s", file_name, number,
                                 BYTES_PRINT(buffer_bytes(&reason)));
        buffer_release(&reason);
        if (code != 0)
            return code;
    }
    return 0;
}

int config_parse(struct config *config, const char *file_name, struct bytes text,
                 enum config_source source, struct buffer *problem) {
    struct config parsed;
    config_copy(&parsed, config);
    int code = config_parse_lines(&parsed, file_name, text, source, problem);
    if (code == 0) {
        struct buffer reason;
        buffer_init(&reason, CONFIG_VALUE_MAXIMUM);
        code = config_check(&parsed, &reason);
        if (code != 0)
            buffer_append_format(problem, "%s: %.*s", file_name,
                                 BYTES_PRINT(buffer_bytes(&reason)));
        buffer_release(&reason);
    }
    if (code != 0) {
        config_release(&parsed);
        return code;
    }
    config_release(config);
    *config = parsed;
    return 0;
}

/* ---- writing it again ---- */

/* The canonical name of the setting on this line; NULL: a comment, or none. */
static const char *line_setting(struct bytes line) {
    line = words_trim(line);
    if (line.length == 0 || line.data[0] == '#' || line.length > CONFIG_LINE_MAXIMUM)
        return NULL;
    struct buffer name;
    buffer_init(&name, CONFIG_VALUE_MAXIMUM);
    const char *found = words_next(&line, &name) ? config_name(buffer_bytes(&name)) : NULL;
    buffer_release(&name);
    return found;
}

static void append_quoted_value(struct buffer *out, const char *value) {
    buffer_append_u8(out, '"');
    for (const uint8_t *at = (const uint8_t *)value; *at != '\0'; at++)
        if (*at == '"' || *at == '\\')
            buffer_append_format(out, "\\%c", *at);
        else if (*at < ' ' || *at == 0x7f)
            buffer_append_format(out, "\\x%02x", *at);
        else
            buffer_append_u8(out, *at);
    buffer_append_u8(out, '"');
}

static void append_setting_line(struct buffer *out, const char *name, const char *value) {
    bool is_plain = *value != '\0';
    for (const char *at = value; *at != '\0'; at++)
        is_plain = is_plain && *at > ' ' && *at < 0x7f && strchr("\"'\\#", *at) == NULL;
    buffer_append_format(out, "%s ", name);
    if (is_plain)
        buffer_append_text(out, value);
    else
        append_quoted_value(out, value);
    buffer_append_u8(out, '\n');
}

/* The first line of a setting gets the value, later ones of the same go: the last line would win.
 */
static struct table *rewrite_lines(struct bytes text, const struct table *values,
                                   struct buffer *out) {
    struct table *written = table_new();
    while (text.length > 0) {
        struct bytes line = bytes_take_until(&text, '\n');
        const char *name = line_setting(line);
        const char *value = name ? table_get(values, bytes_of_text(name)) : NULL;
        if (value == NULL) {
            buffer_append_bytes(out, line);
            buffer_append_u8(out, '\n');
        } else if (table_put(written, bytes_of_text(name), written) == NULL) {
            append_setting_line(out, name, value);
        }
    }
    return written;
}

void config_rewrite(struct bytes text, const struct table *values, struct buffer *out) {
    struct table *written = rewrite_lines(text, values, out);
    size_t position = 0;
    struct bytes name;
    void *value;
    bool has_heading = false;
    while (table_walk(values, &position, &name, &value)) {
        if (table_get(written, name) != NULL)
            continue;
        if (!has_heading)
            buffer_append_text(out, "\n# Written by CONFIG REWRITE\n");
        has_heading = true;
        append_setting_line(out, config_name(name), value);
    }
    table_free(written);
}
