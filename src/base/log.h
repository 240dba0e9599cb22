/* Log lines: one line an event, `level=info msg="shard leader changed" node=1 shard=3 term=7`, or
 * the same as JSON. A struct log is an instance with a sink; time is added by the sink's owner
 * through `now_ms`. Pure layers may hold a struct log pointer: writing to it is an output like any
 * action, and the simulator's sink folds it into the trace. */
#pragma once
#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_field_kind { LOG_END, LOG_TEXT, LOG_NUMBER, LOG_SIGNED };

struct log_field {
    const char *name;
    enum log_field_kind kind;
    const char *text;
    uint64_t number;
};

struct log {
    enum log_level level; /* lines below it are dropped */
    bool is_json;
    uint64_t (*now_ms)(
        void *context); /* wall clock for the line's time; NULL: no time is printed */
    void (*sink)(void *context, enum log_level level,
                 struct bytes line); /* line ends in '\n'; borrowed */
    void *context;
};

/* log_line(log, LOG_INFO, "leader elected", LOG_F("shard", 3), LOG_T("peer", "10.0.0.1:17001")) */
#define LOG_F(field_name, value)                                                                   \
    ((struct log_field){.name = (field_name), .kind = LOG_NUMBER, .number = (uint64_t)(value)})
#define LOG_T(field_name, value)                                                                   \
    ((struct log_field){.name = (field_name), .kind = LOG_TEXT, .text = (value)})
#define LOG_S(field_name, value)                                                                   \
    ((struct log_field){                                                                           \
        .name = (field_name), .kind = LOG_SIGNED, .number = (uint64_t)(int64_t)(value)})
#define log_line(log, level, message, ...)                                                         \
    log_write((log), (level), (message),                                                           \
              (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_END}})

/* NULL log: nothing happens. `fields` ends with LOG_END. A line is cut at LOG_LINE_MAXIMUM bytes.
 */
enum { LOG_LINE_MAXIMUM = 2048 };
void log_write(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields);
