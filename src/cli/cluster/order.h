/* A subcommand of `trothdb cluster` as it was given: whom to ask, how to answer, how long to wait;
 * and how far it is. What it says, it says by this. */
#pragma once
#include "base/exit_code.h"
#include "cli/client/status.h"
#include "cli/terminal/flags.h"

enum { ORDER_SHOWN_BYTES = 320 };

struct order;

/* Is --at, a node of the cluster, to be given? */
enum order_at { AT_UNKNOWN, AT_WANTED, AT_DEFAULT /* one of this machine, if none is given */ };

struct order_kind {
    const char *name;                /* "cluster add" */
    const char *line;                /* of its usage: "add H:P --at H:P" */
    int (*run)(struct order *order); /* begins with order_read(); returns the exit code */
    int least, most;                 /* operands */
    enum order_at at;
    int64_t wait_s; /* unless --wait says so; 0: it does not wait */
};

struct order {
    const struct order_kind *kind;
    char **operands;
    int operand_count;
    bool is_at_given;
    struct net_address at;
    bool is_json; /* then the answer is one object, a refusal as well */
    int64_t wait_s;
    bool redraws;
    char shown[ORDER_SHOWN_BYTES]; /* the last line of progress */
};

/* Arguments behind the name. */
void order_init(struct order *order, const struct order_kind *kind, int argc, char **argv);

/* What returns an exit code from here on returns EXIT_OK, or has said what is wrong. */

/* The command line: --json, --at and --wait as far as the kind has them, and the flags of its own
 * (NULL: none). */
int order_read(struct order *order, const struct flag *own) MUST_CHECK;
/* An address among the operands. */
int order_read_address(const struct order *order, const char *text,
                       struct net_address *address) MUST_CHECK;
/* What is wrong with the words, then how they go. */
int order_usage(const struct order *order, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, where other operands came than the `wanted` that there are to be. */
int order_usage_operands(const struct order *order, int wanted);
int order_fail(const struct order *order, const char *what, const char *why);
int order_fail_long(const struct order *order, const char *what, struct bytes why);

/* What the node at order->at knows of the cluster; to be released. */
int order_fetch(const struct order *order, struct status *cluster) MUST_CHECK;
/* Has the control shard do something (cluster_ask_control()). `refused` is said above a refusal. */
int order_ask(const struct order *order, const char *refused, const struct bytes *words,
              size_t count) MUST_CHECK;
/* The same, words by spaces. */
int order_ask_text(const struct order *order, const char *refused, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_CHECK;
/* Prints the cluster as it is. */
int order_print(const struct order *order);

void order_show(struct order *order, const char *text);
/* Looks again and again. `is_done` shows its progress itself. False: the time is over. */
bool order_wait(struct order *order, bool (*is_done)(struct order *order, void *context),
                void *context);
/* The same, but no longer than it takes until gossip tells of a node whether it is alive. */
bool order_wait_heard(struct order *order, bool (*is_done)(struct order *order, void *context),
                      void *context);
