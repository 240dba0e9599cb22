#include "base/log.h"
#include "base/utf8.h"
#include <stdio.h>

/* A line under construction. LINE_TAIL_BYTES stay free for what closes it, so that a cut line is
 * still well formed. */
enum { LINE_TAIL_BYTES = 8 };
struct line {
    char text[LOG_LINE_MAXIMUM];
    size_t length;
    bool is_json;
};

static bool line_fits(const struct line *line, size_t length) {
    return line->length + length <= sizeof line->text - LINE_TAIL_BYTES;
}

static bool line_append(struct line *line, const char *text, size_t length) {
    if (!line_fits(line, length))
        return false;
    memcpy(line->text + line->length, text, length);
    line->length += length;
    return true;
}

/* What closes a value or the line may use the tail. */
static void line_close(struct line *line, char byte) { line->text[line->length++] = byte; }

/* One character of a quoted value: itself, or its escape. Returns how many bytes of `text` it took;
 * 0 when full. */
static size_t line_append_escaped(struct line *line, const uint8_t *text) {
    char escape[8];
    size_t sequence = utf8_sequence(bytes_of(text, strnlen((const char *)text, UTF8_MAXIMUM)));
    if (sequence > 1 ||
        (sequence == 1 && *text >= ' ' && *text != '"' && *text != '\\' && *text != 0x7f))
        return line_append(line, (const char *)text, sequence) ? sequence : 0;
    int length;
    if (*text == '"' || *text == '\\')
        length = snprintf(escape, sizeof escape, "\\%c", *text);
    else if (*text == '\n')
        length = snprintf(escape, sizeof escape, "\\n");
    else if (!line->is_json)
        length = snprintf(escape, sizeof escape, "\\x%02x", *text);
    else
        length = snprintf(escape, sizeof escape, "\\u%04x", *text < 0x80 ? *text : 0xfffd);
    return line_append(line, escape, (size_t)length) ? 1 : 0;
}

static bool text_needs_quotes(const char *text) {
    if (*text == '\0')
        return true;
    for (const uint8_t *at = (const uint8_t *)text; *at; at++)
        if (*at <= ' ' || *at == '"' || *at == '=' || *at == '\\' || *at >= 0x7f)
            return true;
    return false;
}

static void line_append_value(struct line *line, const char *text) {
    if (!line->is_json && !text_needs_quotes(text)) {
        size_t length = strlen(text);
        size_t room = sizeof line->text - LINE_TAIL_BYTES - line->length;
        line_append(line, text, length < room ? length : room);
        return;
    }
    if (!line_append(line, "\"", 1))
        return;
    const uint8_t *at = (const uint8_t *)text;
    for (size_t taken; *at != '\0' && (taken = line_append_escaped(line, at)) != 0;)
        at += taken;
    line_close(line, '"');
}

/* The separator and the name; false, with the line as it was, where they and a short value do not
 * fit. */
static bool line_begin_field(struct line *line, const char *name) {
    size_t name_length = strlen(name);
    if (!line_fits(line, name_length + 28))
        return false;
    bool is_first = line->length == (line->is_json ? 1 : 0);
    if (!is_first)
        line_append(line, line->is_json ? "," : " ", 1);
    if (line->is_json)
        line_append(line, "\"", 1);
    line_append(line, name, name_length);
    line_append(line, line->is_json ? "\":" : "=", line->is_json ? 2 : 1);
    return true;
}

static void line_text(struct line *line, const char *name, const char *text) {
    if (line_begin_field(line, name))
        line_append_value(line, text ? text : "");
}

static void line_number(struct line *line, const char *name, uint64_t number, bool is_signed) {
    char digits[24];
    int length = is_signed ? snprintf(digits, sizeof digits, "%lld", (long long)number)
                           : snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    if (line_begin_field(line, name))
        line_append(line, digits, (size_t)length);
}

/* UTC as RFC 3339. The calendar is counted in years that begin in March, so that the leap day comes
 * last (after H. Hinnant, "chrono-compatible low-level date algorithms"). */
static void line_time(struct line *line, uint64_t unix_ms) {
    uint64_t days = unix_ms / 86400000, ms = unix_ms % 86400000;
    uint64_t shifted = days + 719468; /* days since 0000-03-01 */
    uint64_t era = shifted / 146097, day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153;
    unsigned day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    unsigned month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    unsigned long long year = year_of_era + era * 400 + (month <= 2);
    char text[64];
    snprintf(text, sizeof text, "%04llu-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day,
             (unsigned)(ms / 3600000), (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
             (unsigned)(ms % 1000));
    line_text(line, "time", text);
}

static const char *level_name(enum log_level level) {
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "unknown";
}

static void line_field(struct line *line, const struct log_field *field) {
    switch (field->kind) {
    case LOG_TEXT:
        line_text(line, field->name, field->text);
        break;
    case LOG_NUMBER:
        line_number(line, field->name, field->number, false);
        break;
    case LOG_SIGNED:
        line_number(line, field->name, field->number, true);
        break;
    case LOG_END:
        break;
    }
}

void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields) {
    if (log == NULL || level < log->level || log->sink == NULL)
        return;
    struct line line;
    line.length = 0;
    line.is_json = log->is_json;
    if (line.is_json)
        line_append(&line, "{", 1);
    if (log->now_ms != NULL)
        line_time(&line, log->now_ms(log->context));
    line_text(&line, "level", level_name(level));
    line_text(&line, "msg", message);
    for (; fields->kind != LOG_END; fields++)
        line_field(&line, fields);
    if (line.is_json)
        line_close(&line, '}');
    line_close(&line, '\n');
    log->sink(log->context, level, bytes_of(line.text, line.length));
}
