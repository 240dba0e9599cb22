/* What `backup` and `restore` share: the store that a URL names, and what is in it. */
#pragma once
#include "backup/backup_read.h"
#include "cli/terminal/progress.h"

enum {
    BACKUP_TIME_BYTES = 32,
    BACKUP_ID_BYTES = 33,
    BACKUP_ATTEMPTS =
        5 /* of each request to a store: a restore is many, and the store may be busy */
};
#define BACKUP_NONE_THERE "there is no backup in that place"

struct backup_flags {
    const char *url, *endpoint, *region, *cluster;
    bool is_json;
};

/* Opened, and its catalogue read. EXIT_OK; or the exit code of the command, EXIT_USAGE where the
 * URL can name no place, with the problem said on stderr, as JSON on stdout too where that is
 * wanted. Nothing to close then. */
int backup_place_open(const char *command, const struct backup_flags *flags,
                      struct blob_store **store, struct backup_catalogue *catalogue) MUST_CHECK;
/* The cluster that is asked for by the first digits of its id, or the only one. NULL: said why. */
const struct cluster_backup *backup_place_cluster(const char *command,
                                                  const struct backup_flags *flags,
                                                  const struct backup_catalogue *catalogue);

void backup_format_id(const uint8_t id[BACKUP_CLUSTER_BYTES], char out[BACKUP_ID_BYTES]);
/* "2026-11-21T10:00:00.000Z"; "-" for 0. Returns `out`. */
const char *backup_format_time(uint64_t time_ms, char out[BACKUP_TIME_BYTES]);
/* That form, with or without milliseconds, or Unix milliseconds. */
bool backup_parse_time(const char *text, uint64_t *time_ms);
