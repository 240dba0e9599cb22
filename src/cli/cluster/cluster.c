#include "cli/cluster/cluster.h"

#include <limits.h>
#include <stdio.h>

#include "cli/cluster/subcommands.h"
#include "cli/terminal/refusal.h"

/* Which node is asked is an operand or, as for all other subcommands, --at. */
static int status(struct order *order) {
    int status = order_read(order, NULL);
    if (!status && order->is_at_given && order->operand_count > 0)
        status = order_usage_operands(order, 0);
    if (!status && order->operand_count > 0)
        status = order_read_address(order, order->operands[0], &order->at);
    return status ? status : order_print(order);
}

/* Name, usage; function, least and most operands, --at, how long it waits. */
static const struct order_kind KINDS[] = {
    {"cluster create", "create H:P H:P H:P [--shards 12] [--replicas 3] [--wait 15] [--json]",
     cluster_create, 0, INT_MAX, AT_UNKNOWN, 15},
    {"cluster status", "status [H:P] [--json]", status, 0, 1, AT_DEFAULT, 0},
    {"cluster add", "add H:P --at H:P [--wait 600] [--json]", cluster_add, 1, 1, AT_WANTED, 600},
    {"cluster replicas", "replicas SHARD H:P[,H:P...] --at H:P [--wait 600] [--json]",
     cluster_replicas, 2, 2, AT_WANTED, 600},
    {"cluster leader", "leader SHARD H:P --at H:P [--wait 600] [--json]", cluster_leader, 2, 2,
     AT_WANTED, 600},
    {"cluster remove", "remove H:P --at H:P [--wait 600] [--json]", cluster_remove, 1, 1, AT_WANTED,
     600},
    {"cluster replace", "replace H:P H:P --at H:P [--wait 600] [--json]", cluster_remove, 2, 2,
     AT_WANTED, 600},
    {"cluster recover", "recover H:P[,H:P...] [--dry-run] [--yes] [--wait 600] [--json]",
     cluster_recover, 1, 1, AT_UNKNOWN, 600},
    {"cluster set", "set NAME VALUE [NAME VALUE...] --at H:P [--wait 60] [--json]", cluster_set, 1,
     INT_MAX, AT_WANTED, 60},
    {"cluster unset", "unset NAME [NAME...] --at H:P [--wait 60] [--json]", cluster_unset, 1,
     INT_MAX, AT_WANTED, 60},
    {"cluster settings", "settings [PATTERN] [--at H:P] [--all] [--json]", cluster_settings, 0, 1,
     AT_DEFAULT, 0},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const struct order_kind *find(const char *name) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(name, KINDS[i].name + strlen("cluster ")) == 0)
            return &KINDS[i];
    return NULL;
}

int cluster_run(int argc, char **argv) {
    const struct order_kind *kind = argc > 0 ? find(argv[0]) : NULL;
    if (kind) {
        struct order order;
        order_init(&order, kind, argc - 1, argv + 1);
        return kind->run(&order);
    }
    if (argc > 0)
        refusal_tell("cluster", refusal_is_json(argc, argv), "there is no '%s'", argv[0]);
    for (size_t i = 0; i < KIND_COUNT; i++)
        fprintf(stderr, "%s trothdb cluster %s\n", i ? "      " : "usage:", KINDS[i].line);
    fputs("`trothdb help cluster` tells more\n", stderr);
    return EXIT_USAGE;
}
