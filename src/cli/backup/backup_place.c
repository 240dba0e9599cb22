#include "cli/backup/backup_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/exit_code.h"
#include "base/text/hex.h"
#include "base/text/number.h"
#include "cli/terminal/refusal.h"
#include "io/real/real_blob.h"

int backup_place_open(const char *command, const struct backup_flags *flags,
                      struct blob_store **store, struct backup_catalogue *catalogue) {
    struct blob_options options = {.url = flags->url,
                                   .endpoint = flags->endpoint,
                                   .region = flags->region,
                                   .attempts = BACKUP_ATTEMPTS};
    struct blob_problem problem = {{0}};
    int error = blob_real_open(&options, NULL, store, &problem);
    if (error) {
        refusal_tell(command, flags->is_json, "%s", problem.text);
        return error == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    error = backup_catalogue_read(*store, catalogue, &problem);
    if (error) {
        refusal_tell(command, flags->is_json, "%s", problem.text);
        backup_catalogue_release(catalogue);
        (*store)->ops->close(*store);
    }
    return error ? EXIT_FAILED : EXIT_OK;
}

const struct cluster_backup *backup_place_cluster(const char *command,
                                                  const struct backup_flags *flags,
                                                  const struct backup_catalogue *catalogue) {
    const struct cluster_backup *found = NULL;
    const char *wanted = flags->cluster ? flags->cluster : "";
    size_t count = 0;
    for (size_t i = 0; i < catalogue->cluster_count; i++) {
        char id[BACKUP_ID_BYTES];
        backup_format_id(catalogue->clusters[i].cluster_id, id);
        if (strncmp(id, wanted, strlen(wanted)) == 0) {
            found = &catalogue->clusters[i];
            count++;
        }
    }
    if (count == 0) {
        refusal_tell(command, flags->is_json, "%s",
                     catalogue->cluster_count
                         ? "no cluster of that id is backed up there; `trothdb backup list` "
                           "names those that are"
                         : BACKUP_NONE_THERE);
        return NULL;
    }
    if (count > 1) {
        refusal_tell(command, flags->is_json,
                     "several clusters are backed up there; name one with --cluster and the "
                     "first digits of its id (`trothdb backup list`)");
        return NULL;
    }
    return found;
}

void backup_format_id(const uint8_t id[BACKUP_CLUSTER_BYTES], char out[BACKUP_ID_BYTES]) {
    hex_write(id, BACKUP_CLUSTER_BYTES, out);
}

const char *backup_format_time(uint64_t time_ms, char out[BACKUP_TIME_BYTES]) {
    if (time_ms == 0)
        return "-";
    struct tm tm;
    time_t seconds = (time_t)(time_ms / 1000);
    size_t length = 0;
    if (gmtime_r(&seconds, &tm))
        length = strftime(out, BACKUP_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + length, BACKUP_TIME_BYTES - length, ".%03uZ", (unsigned)(time_ms % 1000));
    return out;
}

static bool parse_number(const char *text, uint64_t *time_ms) {
    int64_t parsed;
    if (!number_parse_i64(bytes_of_text(text), &parsed) || parsed < 0)
        return false;
    *time_ms = (uint64_t)parsed;
    return true;
}

bool backup_parse_time(const char *text, uint64_t *time_ms) {
    struct tm tm = {0};
    unsigned milliseconds = 0;
    int end = 0;
    if (parse_number(text, time_ms))
        return true;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return false;
    if (sscanf(rest, ".%3u%n", &milliseconds, &end) == 1 && end == 4)
        rest += end;
    int day = tm.tm_mday, second = tm.tm_sec;
    time_t seconds = timegm(&tm);
    *time_ms = (uint64_t)seconds * 1000 + milliseconds;
    /* It makes March of the 30th of February, and the next minute of a 60th second. What lies
     * before 1970 would be a moment far in the future. */
    return strcmp(rest, "Z") == 0 && tm.tm_mday == day && tm.tm_sec == second && seconds >= 0;
}
