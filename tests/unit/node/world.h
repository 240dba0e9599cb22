/* A node in one thread: its workers on disks in memory and a clock that is moved by hand, its mail
 * handed over in order, its clients byte buffers. Founded as a cluster of one unless `join` is set.
 */
#pragma once
#include "../unit.h"

#include "base/buffer.h"
#include "node/node.h"

enum { WORLD_WORKER_MAXIMUM = 4, WORLD_CLIENT_MAXIMUM = 16 };

struct client {
    struct world *world;
    unsigned worker;
    struct session *session; /* NULL: closed */
    struct buffer unsent;    /* what the node does not read yet */
    struct buffer received;
    bool is_stuck; /* it reads nothing */
    bool is_paused, was_paused, is_to_close;
};

struct world;

/* `settings`: name, value, name, value..., NULL. Waits until all shards have leaders. */
struct world *world_new(unsigned worker_count, const char *const *settings);
/* The same, and the workers hear what the gossiper tells of the members, as in a server. */
struct world *world_new_in_gossip(unsigned worker_count, const char *const *settings);
void world_free(struct world *world);
struct worker *world_worker(struct world *world, unsigned index);
/* Lets everything that is under way come to its end. */
void world_settle(struct world *world);
void world_pass_ms(struct world *world, unsigned ms);
/* Whatever reads the clock takes so long; 0: nothing takes time. */
void world_slow_down(struct world *world, unsigned look_us);
/* No disk of a worker finishes anything. */
void world_hold_disks(struct world *world, bool are_held);
/* No file of a worker grows, and none is made. */
void world_fill_disks(struct world *world, bool are_full);
/* No worker's disk opens anything, for this reason; 0: they do again. */
void world_refuse_files(struct world *world, int error);
/* How many settings the gossiper was told of. */
unsigned world_gossiper_settings(const struct world *world);

/* What the workers say, one after the other, for /status. Valid until the next call. */
struct bytes world_status(struct world *world);

/* NULL if refused. */
struct client *world_connect(struct world *world, unsigned worker);
void client_send(struct client *client, struct bytes bytes);
/* Sends a line of words as one command, or several lines as a pipeline, and lets it come to its
 * end. */
void client_ask(struct client *client, const char *lines);
/* All that was received since the last call, as text. Valid until the next. */
const char *client_take(struct client *client);
#define CLIENT_EXPECT(client, lines, expected)                                                     \
    (client_ask((client), (lines)), assert_string_equal(client_take(client), (expected)))
