#include "process/log_sink.h"
#include "io/whole_file.h"
#include <time.h>
#include <unistd.h>

static uint64_t log_now_ms(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void log_write_stderr(void *context, enum log_level level, struct bytes line) {
    (void)context, (void)level;
    ssize_t written = write(STDERR_FILENO, line.data, line.length);
    (void)written; /* a log that cannot be written has nowhere to complain */
}

void log_sink_init(struct log *log, const struct config *config) {
    *log = (struct log){.level = (enum log_level)config->log_level,
                        .is_json = config->log_format == LOG_FORMAT_JSON,
                        .now_ms = log_now_ms,
                        .sink = log_write_stderr};
}

static void set_level(struct log *log, struct bytes word) {
    static const char *const words[] = {
        [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (bytes_equal_ignoring_case(word, words[level]))
            log->level = level;
}

void log_sink_settings(struct log *log, const struct mail *mail) {
    struct bytes pairs = buffer_bytes(&mail->bytes), name, value;
    if (mail->kind != MAIL_SETTINGS)
        return;
    while (mail_next_setting(&pairs, &name, &value))
        if (bytes_equal(name, BYTES_LITERAL("loglevel")))
            set_level(log, value);
}

/* Who has the key reads all that travels between members, and may join. */
void log_open_key(const struct log *log, const struct config *config) {
    if (whole_file_is_open_to_all(config->cluster_key_file))
        log_line(log, LOG_WARN,
                 "everybody on this machine may read or change the cluster key: chmod 600 takes "
                 "that right away",
                 LOG_T("file", config->cluster_key_file));
}
