/* The backups themselves are made by the nodes (replica/shards/backups.c). */
#include "cli/backup/backup.h"

#include <string.h>

#include "cli/backup/backup_look.h"
#include "cli/backup/backup_now.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"

enum { WAIT_SECONDS_MAXIMUM = 86400 };

/* Nothing at all is neither a list nor sound: somebody has mistyped the place, or no node has its
 * `backup-to`. */
static int look_at_place(const char *command, const struct backup_flags *flags,
                         int (*look)(const struct backup_flags *flags, struct blob_store *store,
                                     const struct backup_catalogue *catalogue)) {
    struct blob_store *store;
    struct backup_catalogue catalogue;
    int code = backup_place_open(command, flags, &store, &catalogue);
    if (code)
        return code;
    if (catalogue.cluster_count > 0) {
        code = look(flags, store, &catalogue);
    } else {
        refusal_tell(command, flags->is_json, BACKUP_NONE_THERE);
        code = EXIT_FAILED;
    }
    backup_catalogue_release(&catalogue);
    store->ops->close(store);
    return code;
}

int backup_run(int argc, char **argv) {
    struct backup_flags flags = {0};
    int64_t wait_seconds = 60;
    const struct flag table[] = {
        {.name = "to", .text = &flags.url},
        {.name = "endpoint", .text = &flags.endpoint},
        {.name = "region", .text = &flags.region},
        {.name = "wait", .number = &wait_seconds, .minimum = 1, .maximum = WAIT_SECONDS_MAXIMUM},
        {.name = "json", .is_set = &flags.is_json},
        {.name = NULL}};
    int operands;
    if (flags_read(table, "backup", argc, argv, &operands))
        return EXIT_USAGE;
    if (operands == 2 && strcmp(argv[0], "now") == 0)
        return backup_now(&flags, argv[1], wait_seconds);
    if (operands == 1 && flags.url && strcmp(argv[0], "list") == 0)
        return look_at_place("backup list", &flags, backup_list);
    if (operands == 1 && flags.url && strcmp(argv[0], "check") == 0)
        return look_at_place("backup check", &flags, backup_check);
    refusal_tell("backup", flags.is_json,
                 "say `now HOST:PORT`, `list --to URL` or `check --to URL`; `trothdb help backup` "
                 "tells all");
    return EXIT_USAGE;
}
